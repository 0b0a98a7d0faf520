#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "multicast/core/proposal_builder.h"
#include "multicast/core/proposal_builder_case.h"

// What a candidate decides where everybody has restarted.
namespace strata::multicast {
namespace {

using testing::Advance;

class FoundingTest : public testing::ProposalBuilderCase {
 protected:
  // Everybody has restarted; manager 2 proposes.
  FoundingTest() {
    input_.memoryless = true;
    input_.self.incarnation.bytes.fill(200);
    input_.self.status = MemberStatus::kNone;
    log_.StartAfter(0);
  }
};

TEST_F(FoundingTest, TheMostDurableManagerFoundsWithItsOwnState) {
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(2, 18));  // An engine's state does not count.
  const Decision decision = Decided();
  EXPECT_TRUE(decision.founding);
  EXPECT_FALSE(decision.unsynced);
  EXPECT_EQ(decision.proposal.log_first, 18u);
  EXPECT_TRUE(decision.proposal.records.empty());
  EXPECT_EQ(decision.proposal.view.log_number, 18u);
  EXPECT_EQ(StatusOf(2), MemberStatus::kFull);
  EXPECT_EQ(StatusOf(3), MemberStatus::kLearner);
}

TEST_F(FoundingTest, AManagerWithMoreCommitsGoesFirst) {
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(0, 18));
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(FoundingTest, AManagerWithALaterViewGoesFirst) {
  Add(MemorylessReport(1, 17));
  Report later = MemorylessReport(0, 3);
  later.installed->epoch = {6, MemberId(1)};
  Add(later);
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(FoundingTest, WithEqualStateWhoeverProposesFounds) {
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(0, 17));
  EXPECT_TRUE(Decided().founding);
}

TEST_F(FoundingTest, NeedsTheMajorityOfTheLastVoters) {
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(3, 0));
  ExpectIndecision(Indecision::kNoMajority);
}

TEST_F(FoundingTest, WhoeverReportsMayLearn) {
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(2, 0));
  Add(JoinerReport(9));
  EXPECT_EQ(StatusOf(9), MemberStatus::kLearner);
}

TEST_F(FoundingTest, ARestartedManagerLeadsSurvivorsThatHaveNoManager) {
  Add(MemorylessReport(1, 17));
  Add(ReportOf(2, {{2, 0, 5}}, base_.log_number));
  const Decision decision = Decided();
  EXPECT_TRUE(decision.unsynced);
  EXPECT_FALSE(decision.founding);
  EXPECT_EQ(StatusOf(2), MemberStatus::kFull);
  EXPECT_EQ(StatusOf(3), MemberStatus::kFull);
  EXPECT_EQ(decision.proposal.records, (std::vector<LogRecord>{Advance({{2, 0, 5}})}));
}

TEST_F(FoundingTest, LightSurvivorsHaveNoStateToGive) {
  for (MemberInfo& member : base_.members) member.light = member.role == Role::kEngine;
  Add(MemorylessReport(1, 17));
  AddAll({2, 3});
  const Decision decision = Decided();
  EXPECT_TRUE(decision.founding);
  EXPECT_FALSE(decision.unsynced);
  EXPECT_EQ(MemberIds(), std::vector<uint32_t>{2}) << "they start over";
}

TEST_F(FoundingTest, BesideOthersLightSurvivorsSurvive) {
  base_.members[2].light = true;
  Add(MemorylessReport(1, 17));
  AddAll({2, 3});
  const Decision decision = Decided();
  EXPECT_FALSE(decision.founding);
  EXPECT_TRUE(decision.unsynced);
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3, 4}));
}

TEST_F(FoundingTest, ARestartedManagerLeavesSurvivorsToTheirManager) {
  Add(MemorylessReport(1, 17));
  Add(ReportOf(0));
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(FoundingTest, WhoLeadsOnlyIfItWasFullDoesNotFoundAsALearner) {
  base_.members[1].status = MemberStatus::kLearner;
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(2, 18));
  EXPECT_TRUE(Decided().founding);
  input_.lead_only_if_full = true;
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(FoundingTest, WhoLeadsOnlyIfItWasFullDoesNotLeadSurvivorsAsALearner) {
  base_.members[1].status = MemberStatus::kLearner;
  Add(MemorylessReport(1, 17));
  Add(ReportOf(2, {{2, 0, 5}}, base_.log_number));
  EXPECT_TRUE(Decided().unsynced);
  input_.lead_only_if_full = true;
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(FoundingTest, WhoLeadsOnlyIfItWasFullLeadsWhenItWas) {
  input_.lead_only_if_full = true;
  Add(MemorylessReport(1, 17));
  Add(MemorylessReport(2, 18));
  EXPECT_TRUE(Decided().founding);
}

}  // namespace
}  // namespace strata::multicast
