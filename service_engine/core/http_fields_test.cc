#include "service_engine/core/http_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::engine {
namespace {

std::vector<std::string> Members(std::string_view list) {
  std::vector<std::string> members;
  ForEachMember(list, [&members](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  return members;
}

TEST(HttpFieldsTest, NamesHaveNoLetterCaseAndLinesAreJoined) {
  HttpFields fields = {{"Vary", "Accept"}, {"X", "1"}, {"vary", "Cookie"}};
  EXPECT_EQ(*FindField(fields, "VARY"), "Accept");
  EXPECT_EQ(JoinedField(fields, "vary"), "Accept, Cookie");
  EXPECT_EQ(JoinedField(fields, "none"), "");
  RemoveField(fields, "Vary");
  EXPECT_EQ(fields, (HttpFields{{"X", "1"}}));
}

TEST(HttpFieldsTest, ListsAreCutAtCommasOutsideOfQuotes) {
  using List = std::vector<std::string>;
  EXPECT_EQ(Members("a, b ,,c"), (List{"a", "b", "c"}));
  EXPECT_EQ(Members(R"(a="x,y", b)"), (List{R"(a="x,y")", "b"}));
  EXPECT_EQ(Members(R"("a\",b", c)"), (List{R"("a\",b")", "c"}));
  EXPECT_EQ(Members(R"("open, b)"), (List{R"("open, b)"}));
  EXPECT_EQ(Members(R"(a, "b\)"), (List{"a", R"("b\)"}));
  EXPECT_EQ(Members(""), List{});
  EXPECT_EQ(Members(" , ,"), List{});
}

TEST(HttpFieldsTest, AListIsLeftWhenEnoughWasSeen) {
  int seen = 0;
  ForEachMember("a, b, c", [&seen](std::string_view) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(HasMember("close, X-One", "x-one"));
  EXPECT_FALSE(HasMember("close, X-One", "x"));
}

TEST(HttpFieldsTest, DatesOfAllThreeFormatsAreRead) {
  constexpr int64_t kThen = 784111777;
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), kThen);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), kThen);
  EXPECT_EQ(ParseHttpDate("Sun Nov  6 08:49:37 1994"), kThen);
  EXPECT_EQ(ParseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(ParseHttpDate("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
  EXPECT_EQ(ParseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228799);
}

TEST(HttpFieldsTest, WhatIsNoDateIsNone) {
  for (const char* text : {"", "0", "-1", "Sun", "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 32 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 06 Nov 199 08:49:37 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

TEST(HttpFieldsTest, SecondsAreDigitsOnly) {
  EXPECT_EQ(ParseDeltaSeconds("60"), 60);
  EXPECT_EQ(ParseDeltaSeconds("\"60\""), 60);
  EXPECT_EQ(ParseDeltaSeconds("99999999999999999999999"), int64_t{1} << 31);
  for (const char* text : {"", "-1", "1.5", "\"\"", "\"", "6 0"}) {
    EXPECT_EQ(ParseDeltaSeconds(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace strata::engine
