#include "service_manager/address/claim_judge.h"

#include <gtest/gtest.h>

namespace strata::manager::address {
namespace {

// This process is 2.
Standing Led(uint32_t leader, std::vector<uint32_t> members) {
  return {.certain = true, .leads = leader == 2, .leader = leader, .members = std::move(members)};
}

TEST(ClaimJudgeTest, NothingWithoutAMajorityOrALeader) {
  ClaimJudge judge;
  Standing lost = Led(2, {2, 101});
  lost.certain = false;
  EXPECT_EQ(judge.Judge(lost), Claim::kNone);
  EXPECT_EQ(judge.Judge(Led(0, {})), Claim::kNone);
}

TEST(ClaimJudgeTest, WhoLeadsFromTheStartWaitsForNobody) {
  ClaimJudge judge;
  EXPECT_EQ(judge.Judge(Led(2, {2, 1, 101})), Claim::kLeads);
  EXPECT_EQ(judge.Judge(Led(2, {2, 1, 101})), Claim::kLeads);
}

TEST(ClaimJudgeTest, WhoTakesOverFromADeadLeaderWaitsForNobody) {
  ClaimJudge judge;
  EXPECT_EQ(judge.Judge(Led(1, {1, 2, 3})), Claim::kYields);
  EXPECT_EQ(judge.Judge(Led(2, {2, 3})), Claim::kLeads);
}

TEST(ClaimJudgeTest, WhoIsPromotedLeadsBehindTheOther) {
  ClaimJudge judge;
  EXPECT_EQ(judge.Judge(Led(1, {1, 2})), Claim::kYields);
  EXPECT_EQ(judge.Judge(Led(2, {2, 1})), Claim::kLeadsBehind);
  EXPECT_EQ(judge.Judge(Led(2, {2, 1})), Claim::kLeadsBehind);
  EXPECT_EQ(judge.Judge(Led(1, {1, 2})), Claim::kYields);
}

TEST(ClaimJudgeTest, WhoLeadsAgainAfterAMomentWaitsForNobody) {
  ClaimJudge judge;
  EXPECT_EQ(judge.Judge(Led(2, {2, 1})), Claim::kLeads);
  EXPECT_EQ(judge.Judge({}), Claim::kNone);
  EXPECT_EQ(judge.Judge(Led(2, {2, 1})), Claim::kLeads);
}

}  // namespace
}  // namespace strata::manager::address
