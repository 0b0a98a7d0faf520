#include "service_manager/federation/locate/locate_messages.h"

#include <gtest/gtest.h>

#include <set>

#include "farm/content_identity.h"
#include "farm/engine.h"

namespace strata::manager::federation {
namespace {

using std::chrono::milliseconds;

LocateQuestion Question() {
  const std::string uri = "http://films.example/one";
  return {.key = farm::KeyOf(uri),
          .canonical_uri = uri,
          .purged = 0,
          .hops_left = 5,
          .visited = {"cdn-one/lan-a", "cdn-one"},
          .time_left = milliseconds(100),
          .trace = false};
}

LocateAnswer Answer() {
  LocateAnswer answer;
  answer.copies.push_back({.holder = {"cdn-one/lan-a", "north-1"},
                           .clients = {Endpoint{IpAddress::V4(192, 0, 2, 7), 80}},
                           .flags = directory::kComplete,
                           .size = 12,
                           .stale = false});
  answer.copies.push_back({.holder = {"cdn-two", ""}});
  answer.gaps.push_back({"cdn-two", GapReason::kSilent});
  answer.trace.push_back({.scope = "cdn-one", .depth = 0, .copies = 2});
  return answer;
}

template <class Value, class Spoil>
std::string Complaint(Value value, Status (*check)(const Value&), Spoil spoil) {
  spoil(value);
  const Status status = check(value);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return MessageOf(status);
}

TEST(LocateMessagesTest, TakesWhatKeepsTheBounds) {
  EXPECT_TRUE(CheckQuestion(Question()).ok());
  EXPECT_TRUE(CheckAnswer(Answer()).ok());
  EXPECT_TRUE(CheckAnswer({}).ok());
}

TEST(LocateMessagesTest, RefusesQuestionsOutOfBounds) {
  const auto complaint = [](auto spoil) { return Complaint(Question(), CheckQuestion, spoil); };
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.canonical_uri += "x"; }),
            "the key is not that of the URI");
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.canonical_uri.assign(24'837, 'a'); }),
            "bytes of the URI: 24837 are more than 24836");
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.hops_left = 9; }), "hops left: 9 are more than 8");
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.visited.assign(9, "cdn-one"); }),
            "visited scopes: 9 are more than 8");
  EXPECT_NE(complaint([](LocateQuestion& q) { q.visited[1] = "CDN"; }).find("CDN"),
            std::string::npos);
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.time_left = milliseconds(-1); }),
            "time left: -0.001 s is not between 0 and 10 s");
  EXPECT_EQ(complaint([](LocateQuestion& q) { q.time_left = milliseconds(10'001); }),
            "time left: 10.001 s is not between 0 and 10 s");
}

TEST(LocateMessagesTest, RefusesAnswersOutOfBounds) {
  const auto complaint = [](auto spoil) { return Complaint(Answer(), CheckAnswer, spoil); };
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.copies.resize(1025); }),
            "copies: 1025 are more than 1024");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.copies[0].clients.resize(9); }),
            "client addresses: 9 are more than 8");
  EXPECT_NE(complaint([](LocateAnswer& a) { a.copies[0].holder.engine = "a b"; }).find("a b"),
            std::string::npos);
  EXPECT_NE(complaint([](LocateAnswer& a) { a.copies[1].holder.scope = ""; }), "");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.gaps.resize(65); }), "gaps: 65 are more than 64");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.gaps[0].reason = static_cast<GapReason>(99); }),
            "gaps: a reason that is not known");
  EXPECT_NE(complaint([](LocateAnswer& a) { a.gaps[0].scope = "//"; }), "");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.trace.resize(65); }), "trace: 65 are more than 64");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.trace[0].depth = 9; }), "trace: depth 9");
  EXPECT_NE(complaint([](LocateAnswer& a) { a.trace[0].took = milliseconds(-1); }), "");
  EXPECT_NE(complaint([](LocateAnswer& a) { a.trace[0].round_trip = milliseconds(-1); }), "");
  EXPECT_NE(complaint([](LocateAnswer& a) { a.trace[0].scope = ""; }), "");
  EXPECT_EQ(complaint([](LocateAnswer& a) { a.keep_for = milliseconds(60'001); }),
            "time to keep it: 60.001 s is not between 0 and 60 s");
}

TEST(LocateMessagesTest, EveryGapIsToldInWordsOfItsOwn) {
  EXPECT_EQ(ToString(LocateGap{"cdn-two", GapReason::kSilent}), "cdn-two did not answer in time");
  std::set<std::string> words;
  const int reasons = static_cast<int>(kGapReasonLast) + 1;
  for (int i = 0; i < reasons; ++i) {
    words.insert(ToString(LocateGap{"cdn-two", static_cast<GapReason>(i)}));
  }
  EXPECT_EQ(words.size(), static_cast<size_t>(reasons));
  EXPECT_FALSE(words.contains("cdn-two "));
}

}  // namespace
}  // namespace strata::manager::federation
