#include "cli/pki/index.h"

#include <string>

#include "gtest/gtest.h"

namespace strata::cli {
namespace {

constexpr const char* kText =
    "strata-pki 1\n"
    "scope cdn-one\n"
    "valid-until 2115360000\n"
    "revocation-list 2\n"
    "issued AABBCCDD00112233 strata://cdn-one/engine/north-1 100 200 0\n"
    "issued 0102030405060708 strata://cdn-one/engine/north-1 100 200 150\n"
    "issued 1102030405060708 strata://cdn-one/engine/ann 100 200 0\n"
    "issued 2102030405060708 strata://cdn-one/operator/ann 100 200 0\n";

std::string ErrorOf(const std::string& text) { return MessageOf(ParsePkiIndex(text).status()); }

TEST(PkiIndexTest, IsWrittenAsItIsRead) {
  const auto index = ParsePkiIndex(kText);
  ASSERT_TRUE(index.ok()) << MessageOf(index.status());
  ASSERT_EQ(index->issued.size(), 4u);
  EXPECT_EQ(index->scope, "cdn-one");
  EXPECT_EQ(index->issued[1].revoked_at_s, 150);
  EXPECT_EQ(Format(*index), kText);
}

TEST(PkiIndexTest, AnAuthorityIssuesForItsScopeAndBelowOrForEveryone) {
  EXPECT_TRUE(IssuesFor("cdn-one", "cdn-one/dc-one"));
  EXPECT_FALSE(IssuesFor("cdn-one", "cdn-two"));
  EXPECT_TRUE(IssuesFor(kEveryScope, "cdn-two"));
  EXPECT_EQ(ParsePkiIndex("strata-pki 1\nscope *\nvalid-until 5\n")->scope, kEveryScope);
  EXPECT_FALSE(ParsePkiIndex("strata-pki 1\nscope a*\nvalid-until 5\n").ok());
}

TEST(PkiIndexTest, NamesTheLineOfAnError) {
  EXPECT_NE(ErrorOf("").find("line 1:"), std::string::npos);
  EXPECT_NE(ErrorOf("strata-pki 2\n").find("line 1:"), std::string::npos);
  EXPECT_EQ(ErrorOf("strata-pki 1\n"), "it ends too early");
  EXPECT_EQ(ErrorOf("strata-pki 1\nscope x\nnonsense\n"), "line 3: not understood");
  EXPECT_EQ(ErrorOf("strata-pki 1\nissued AB strata://x/engine/a 1 2\n"),
            "line 2: the times are missing");
  EXPECT_EQ(ErrorOf("strata-pki 1\nissued XY strata://x/engine/a 1 2 0\n"), "line 2: no serial");
}

TEST(PkiIndexTest, FindsByNameSerialAndUri) {
  const PkiIndex index = *ParsePkiIndex(kText);
  EXPECT_EQ(*FindIssued(index, "north-1"), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(*FindIssued(index, "engine/ann"), (std::vector<size_t>{2}));
  EXPECT_EQ(*FindIssued(index, "strata://cdn-one/operator/ann"), (std::vector<size_t>{3}));
  EXPECT_EQ(*FindIssued(index, "aabbccdd"), (std::vector<size_t>{0}));
}

TEST(PkiIndexTest, SaysWhatWasMeant) {
  const PkiIndex index = *ParsePkiIndex(kText);
  EXPECT_EQ(MessageOf(FindIssued(index, "north-2").status()),
            "no certificate was issued for \"north-2\"; did you mean \"north-1\"?");
  EXPECT_EQ(MessageOf(FindIssued(index, "ann").status()),
            "\"ann\" means several: strata://cdn-one/engine/ann, strata://cdn-one/operator/ann; "
            "give one of these, or a serial");
  EXPECT_FALSE(FindIssued(index, "").ok());
}

}  // namespace
}  // namespace strata::cli
