#include "multicast/core/proposal_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "multicast/core/proposal_builder_case.h"

namespace strata::multicast {
namespace {

using testing::Advance;
using testing::kBallot;
using testing::MakeView;

using ProposalBuilderTest = testing::ProposalBuilderCase;

// ---- Who must promise.

TEST_F(ProposalBuilderTest, NeedsAMajorityOfTheVoters) {
  AddAll({1, 3, 4});  // One of the voters 1, 2, 3.
  ExpectIndecision(Indecision::kNoMajority);
  AddAll({2});
  EXPECT_EQ(Proposed().quorums, (std::vector<Quorum>{{MemberId(1), MemberId(2), MemberId(3)}}));
}

TEST_F(ProposalBuilderTest, ARestartedVotersPromiseCountsToo) {
  AddAll({1});
  Add(MemorylessReport(2));
  EXPECT_EQ(StatusOf(2), MemberStatus::kFull);
}

TEST_F(ProposalBuilderTest, AVoterWhoseDiskWasLostHasForgottenWhatItPromised) {
  AddAll({1});
  Report forgetful = MemorylessReport(2);
  forgetful.installed.reset();
  Add(forgetful);
  ExpectIndecision(Indecision::kNoMajority);
  AddAll({0});
  EXPECT_EQ(StatusOf(3), MemberStatus::kLearner);
}

TEST_F(ProposalBuilderTest, NobodyProposesAViewThatLosesTheState) {
  Report waiting = ReportOf(1);  // Full since a view without another manager, and still fetching.
  waiting.synced = false;
  Add(waiting);
  Add(MemorylessReport(2));
  ExpectIndecision(Indecision::kNoState);
  AddAll({3});
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3, 4}));
}

TEST_F(ProposalBuilderTest, AViewOfOneFullMemberWhoIsLightLosesTheState) {
  base_.members[2].light = true;
  Report waiting = ReportOf(1);
  waiting.synced = false;
  Add(waiting);
  AddAll({2});
  ExpectIndecision(Indecision::kNoState);
}

TEST_F(ProposalBuilderTest, WhoHasAViewInMemoryNeverFounds) {
  base_.members[1].status = MemberStatus::kLearner;
  AddAll({1});
  Add(MemorylessReport(0, 5));
  ExpectIndecision(Indecision::kNotMine);
}

TEST_F(ProposalBuilderTest, WithoutAnyViewNobodyDecides) {
  Add(JoinerReport(2));
  ExpectIndecision(Indecision::kNoView);
}

TEST_F(ProposalBuilderTest, TheHighestViewIsTheBase) {
  Report old = ReportOf(2);
  old.installed->epoch = {3, MemberId(1)};
  old.installed->number = 3;
  AddAll({1, 0});
  Add(old);
  EXPECT_EQ(Proposed().view.number, 6u);
}

TEST_F(ProposalBuilderTest, WithoutAQuorumRuleItsOwnPromiseIsEnough) {
  base_ = MakeView(5, 2);
  base_.quorum_none = true;
  base_.log_number = 10;
  input_.quorum_none = true;
  AddAll({1});
  EXPECT_EQ(Proposed().quorums, (std::vector<Quorum>{{MemberId(2)}}));
  input_.quorum_none = false;
  ExpectIndecision(Indecision::kNoMajority);
}

// ---- A view that was accepted, and nobody knows whether it took effect.

class UnresolvedViewTest : public ProposalBuilderTest {
 protected:
  // Member 1 proposed view 6 of 1, 2, 3 to the members of view 5; its log goes to 22.
  UnresolvedViewTest() {
    unresolved_.ballot = {6, MemberId(1)};
    unresolved_.quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
    unresolved_.view = MakeView(6, 3);
    unresolved_.view.log_number = 23;
    unresolved_.log_first = 20;
    unresolved_.records = {Advance({{0, 0, 20}}), Advance({{0, 0, 30}}), Advance({{0, 0, 40}})};
  }
  Report AcceptedBy(Slot slot) {
    Report report = ReportOf(slot);
    report.accepted = unresolved_;
    return report;
  }
  ViewProposal unresolved_;
};

TEST_F(UnresolvedViewTest, IsTheBaseAndItsLogIsTheLog) {
  Add(AcceptedBy(1));
  AddAll({2});
  const ViewProposal proposal = Proposed();
  EXPECT_EQ(proposal.view.number, 7u);
  EXPECT_EQ(proposal.log_first, 21u);
  ASSERT_GE(proposal.records.size(), 3u);
  EXPECT_EQ(proposal.records[0], Advance({{0, 0, 30}}));
  EXPECT_EQ(proposal.records[1], Advance({{0, 0, 40}}));
  EXPECT_EQ(proposal.records[2].kind, LogRecord::Kind::kView);
  EXPECT_EQ(proposal.records[2].view, unresolved_.view);
  EXPECT_EQ(proposal.view.log_number, 24u);
}

TEST_F(UnresolvedViewTest, NeedsItsQuorumsToo) {
  unresolved_.quorums = {{MemberId(1), MemberId(4), MemberId(5)}};
  Add(AcceptedBy(1));
  AddAll({2});
  ExpectIndecision(Indecision::kNoMajority);
  AddAll({3, 4});
  const auto quorums = Proposed().quorums;
  EXPECT_EQ(quorums.size(), 2u);
  EXPECT_NE(std::find(quorums.begin(), quorums.end(), unresolved_.quorums[0]), quorums.end());
}

TEST_F(UnresolvedViewTest, OnceSomebodyInstalledItItsQuorumsNeedNothingMore) {
  unresolved_.quorums = {{MemberId(1), MemberId(4), MemberId(5)}};
  Add(AcceptedBy(1));
  Report installed = ReportOf(2, {}, 23);
  installed.installed = unresolved_.view;
  installed.self = unresolved_.view.members[2];
  LogRecord view;
  view.kind = LogRecord::Kind::kView;
  view.view = unresolved_.view;
  installed.records = {Advance({{0, 0, 30}}), Advance({{0, 0, 40}}), view};
  Add(installed);
  EXPECT_EQ(Proposed().quorums.size(), 1u);
}

TEST_F(UnresolvedViewTest, WhoIsNotInItIsNoSurvivor) {
  Add(AcceptedBy(1));
  AddAll({2, 3});
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3}));
}

TEST_F(UnresolvedViewTest, TooManyQuorumsAreRefused) {
  unresolved_.quorums.clear();
  for (size_t i = 0; i < kMaxQuorums; ++i) {
    unresolved_.quorums.push_back({MemberId(static_cast<uint32_t>(10 + i))});
  }
  Add(AcceptedBy(1));
  AddAll({2});
  ExpectIndecision(Indecision::kTooManyQuorums);
}

// ---- The flush.

TEST_F(ProposalBuilderTest, FlushesWhatEverySurvivorHolds) {
  Add(ReportOf(1, {{0, 0, 30}, {2, 1, 7}}));
  Add(ReportOf(2, {{0, 0, 25}, {2, 1, 9}}));
  const ViewProposal proposal = Proposed();
  ASSERT_EQ(proposal.records.size(), 1u);
  EXPECT_EQ(proposal.records[0], Advance({{0, 0, 25}, {2, 1, 7}}));
  EXPECT_EQ(proposal.log_first, 21u);
  EXPECT_EQ(proposal.view.log_number, 22u);
}

TEST_F(ProposalBuilderTest, FlushesNothingOfAStreamThatOneSurvivorDoesNotKnow) {
  Add(ReportOf(1, {{0, 0, 30}, {2, 1, 7}}));
  Add(ReportOf(2, {{0, 0, 25}}));
  EXPECT_EQ(Proposed().records[0], Advance({{0, 0, 25}}));
}

TEST_F(ProposalBuilderTest, NobodyWhoRestartedHoldsTheFlushUp) {
  Add(ReportOf(1, {{0, 0, 30}}));
  Add(ReportOf(0, {{0, 0, 25}}));
  Add(MemorylessReport(2));
  EXPECT_EQ(Proposed().records[0], Advance({{0, 0, 25}}));
}

TEST_F(ProposalBuilderTest, TellsWhereTheStreamsStandInTheSlotsOfTheNewView) {
  Add(ReportOf(1, {{0, 0, 30}, {1, 2, 4}, {2, 1, 7}}));
  Add(ReportOf(2, {{0, 0, 30}, {1, 2, 4}, {2, 1, 7}}));
  // Member 2 leads, then 3; member 1 is gone.
  EXPECT_EQ(Proposed().positions, (std::vector<Position>{{0, 2, 4}, {1, 1, 7}}));
}

TEST_F(ProposalBuilderTest, AFlushThatFitsNoRecordIsCutIntoSeveral) {
  base_ = MakeView(5, 40);
  base_.log_number = 10;
  std::vector<Position> positions;
  for (Slot slot = 0; slot < 40; ++slot) {
    for (StreamId stream = 0; stream < kMaxStreams; ++stream)
      positions.push_back({slot, stream, 1});
  }
  Add(ReportOf(1, positions));
  Add(ReportOf(2, positions));
  const ViewProposal proposal = Proposed();
  ASSERT_EQ(proposal.records.size(), 2u);
  EXPECT_EQ(proposal.records[0].positions.size(), kMaxLogEntries);
  EXPECT_EQ(proposal.records[1].positions.size(), 320 - kMaxLogEntries);
  EXPECT_EQ(proposal.view.log_number, 23u);
}

// ---- The log.

TEST_F(ProposalBuilderTest, BringsWhatTheShortestSurvivorLacks) {
  Add(ReportOf(1));
  Add(ReportOf(2, {}, 17));
  const ViewProposal proposal = Proposed();
  EXPECT_EQ(proposal.log_first, 18u);
  EXPECT_EQ(proposal.records, (std::vector<LogRecord>{Advance({{0, 0, 18}}), Advance({{0, 0, 19}}),
                                                      Advance({{0, 0, 20}})}));
}

TEST_F(ProposalBuilderTest, TakesTheLongestLogOfTheSurvivors) {
  Add(ReportOf(1));
  Report longer = ReportOf(2, {}, 22);
  longer.records = {Advance({{0, 0, 21}}), Advance({{0, 0, 22}})};
  Add(longer);
  const ViewProposal proposal = Proposed();
  EXPECT_EQ(proposal.records, longer.records);
  EXPECT_EQ(proposal.view.log_number, 23u);
}

TEST_F(ProposalBuilderTest, WaitsWhileAPartOfTheLogIsMissing) {
  Add(ReportOf(1));
  Report longer = ReportOf(2, {}, 23);
  longer.records = {Advance({{0, 0, 23}})};  // 21 and 22 were not reported.
  Add(longer);
  ExpectIndecision(Indecision::kLogMissing);
}

TEST_F(ProposalBuilderTest, WhatALearnerHasHeardOfTheLogCounts) {
  base_.members[3].status = MemberStatus::kLearner;
  AddAll({1, 2});
  Report learner = ReportOf(3, {}, 21);
  learner.records = {Advance({{0, 0, 21}})};
  Add(learner);
  EXPECT_EQ(Proposed().view.log_number, 22u);
}

// View 6, without engine 3, took effect: one that has restarted since had installed it. The others
// only accepted it, and hold the log of view 5, in the slots of view 5.
TEST_F(ProposalBuilderTest, TheLogOfAViewThatOnlyARestartedMemberInstalledComesFromItsProposal) {
  ViewProposal later;
  later.view = MakeView(6, {base_.members[0], base_.members[1], base_.members[3]});
  for (MemberInfo& member : later.view.members) member.voter = true;
  later.ballot = later.view.epoch;
  later.quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
  later.log_first = 21;
  later.records = {Advance({{3, 0, 7}})};
  later.view.log_number = 22;
  Report restarted = MemorylessReport(0);
  restarted.installed = later.view;
  Add(restarted);
  for (Slot slot : {1, 3}) {
    Add(ReportOf(slot, {{3, 0, 9}}));
    input_.reports.back().accepted = later;
  }
  const ViewProposal proposal = Proposed();
  ASSERT_EQ(proposal.records.size(), 3u);
  EXPECT_EQ(proposal.records[0], Advance({{3, 0, 7}}));
  ASSERT_TRUE(proposal.records[1].view);
  EXPECT_EQ(proposal.records[1].view->epoch, later.view.epoch);
  EXPECT_EQ(proposal.records[2], Advance({{2, 0, 9}})) << "in the slots of view 6";
  EXPECT_EQ(proposal.quorums.size(), 1u);
  for (Report& report : input_.reports) report.accepted.reset();
  ExpectIndecision(Indecision::kLogMissing);
}

// ---- Members.

TEST_F(ProposalBuilderTest, SurvivorsStayFullAndTheCandidateLeads) {
  AddAll({1, 2, 0, 4});
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 1, 3, 5}));
  const View view = Proposed().view;
  for (const MemberInfo& member : view.members) {
    EXPECT_EQ(member.status, MemberStatus::kFull);
  }
}

TEST_F(ProposalBuilderTest, TheNewViewHasTheBallotAndTheNextNumber) {
  AddAll({1, 2});
  const ViewProposal proposal = Proposed();
  EXPECT_EQ(proposal.ballot, kBallot);
  EXPECT_EQ(proposal.view.epoch, kBallot);
  EXPECT_EQ(proposal.view.number, 6u);
  EXPECT_FALSE(proposal.view.fan_out);
}

TEST_F(ProposalBuilderTest, TheNewViewChoosesItsVoters) {
  AddAll({1, 2, 4});
  EXPECT_EQ(VotersOf(Proposed().view), (Quorum{MemberId(2), MemberId(3), MemberId(5)}));
}

TEST_F(ProposalBuilderTest, WhoDidNotReportIsLeftOut) {
  AddAll({1, 2});
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3}));
}

TEST_F(ProposalBuilderTest, WhoIsExcludedIsLeftOutThoughItReports) {
  AddAll({1, 2, 3});
  input_.excluded = {MemberId(4)};
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3}));
}

TEST_F(ProposalBuilderTest, TheExcludedDoNotHoldTheFlushUp) {
  Add(ReportOf(1, {{0, 0, 30}}));
  Add(ReportOf(2, {{0, 0, 30}}));
  Add(ReportOf(3, {{0, 0, 21}}));
  input_.excluded = {MemberId(4)};
  EXPECT_EQ(Proposed().records[0], Advance({{0, 0, 30}}));
}

TEST_F(ProposalBuilderTest, ACandidateThatWasLeftOutHasToJoinAnew) {
  AddAll({1});
  Report later = ReportOf(2);
  later.accepted.emplace();
  later.accepted->view = MakeView(6, {base_.members[0], base_.members[2]});
  later.accepted->quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
  later.accepted->view.members[0].voter = true;
  AddAll({0});
  Add(later);
  ExpectIndecision(Indecision::kLeftOut);
}

TEST_F(ProposalBuilderTest, AdmittedJoinersBecomeLearners) {
  AddAll({1, 2});
  Add(JoinerReport(9));
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3})) << "not admitted";
  input_.joiners = {JoinerReport(9).self};
  EXPECT_EQ(StatusOf(9), MemberStatus::kLearner);
}

TEST_F(ProposalBuilderTest, AWitnessStaysAWitness) {
  AddAll({1, 2});
  Report witness = JoinerReport(9);
  witness.self.role = Role::kWitness;
  Add(witness);
  EXPECT_EQ(StatusOf(9), MemberStatus::kWitness);
}

TEST_F(ProposalBuilderTest, WhoIsInMemoryOfAnotherHistoryMustJoinAnew) {
  AddAll({1, 2});
  Report stranger = ReportOf(3);
  stranger.self.incarnation.bytes.fill(99);
  Add(stranger);
  EXPECT_EQ(MemberIds(), (std::vector<uint32_t>{2, 3}));
}

TEST_F(ProposalBuilderTest, TheFanOutFlagIsWhatTheCandidateWishes) {
  AddAll({1, 2});
  input_.fan_out = true;
  EXPECT_TRUE(Proposed().view.fan_out);
}

// ---- Promotion of learners.

class PromotionTest : public ProposalBuilderTest {
 protected:
  PromotionTest() {
    base_.members[3].status = MemberStatus::kLearner;
    Add(ReportOf(1, {{0, 0, 30}}));
    Add(ReportOf(2, {{0, 0, 30}}));
  }
};

TEST_F(PromotionTest, ALearnerThatHasEverythingBecomesFull) {
  Add(ReportOf(3, {{0, 0, 30}}));
  EXPECT_EQ(StatusOf(4), MemberStatus::kFull);
}

TEST_F(PromotionTest, ALearnerWithoutStateStaysALearner) {
  Report learner = ReportOf(3, {{0, 0, 30}});
  learner.synced = false;
  Add(learner);
  EXPECT_EQ(StatusOf(4), MemberStatus::kLearner);
}

TEST_F(PromotionTest, ALearnerThatLacksFlushedRecordsStaysALearner) {
  Add(ReportOf(3, {{0, 0, 29}}));
  EXPECT_EQ(StatusOf(4), MemberStatus::kLearner);
}

TEST_F(PromotionTest, ALearnerThatLacksLogStaysALearner) {
  Add(ReportOf(3, {{0, 0, 30}}, 19));
  EXPECT_EQ(StatusOf(4), MemberStatus::kLearner);
}

TEST_F(PromotionTest, ALearnerDoesNotHoldTheFlushUp) {
  Add(ReportOf(3, {{0, 0, 3}}));
  EXPECT_EQ(Proposed().records[0], Advance({{0, 0, 30}}));
}

// ---- all_of.

class AllOfTest : public ProposalBuilderTest {
 protected:
  // The SM, member 1, proposes; messages 26 to 27 and 29 to 29 of its stream 0 wanted all.
  AllOfTest() {
    input_.self = base_.members[0];
    input_.ballot = {9, MemberId(1)};
    input_.was_sm = true;
    input_.all_of = {{{0, 0, 27}, 26}, {{0, 0, 29}, 29}};
    for (Slot slot : {0, 1, 2, 3}) Add(ReportOf(slot, {{0, 0, 30}, {1, 0, 5}}));
  }
};

TEST_F(AllOfTest, AMessageThatWantedAnEvictedTargetIsAbortedInsideTheFlush) {
  const std::vector<LogRecord> records = Proposed().records;
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0], Advance({{0, 0, 25}, {1, 0, 5}}));
  EXPECT_EQ(records[1].kind, LogRecord::Kind::kAborted);
  EXPECT_EQ(records[1].ranges, (std::vector<Range>{{0, 0, kAbortTargetEvicted, 26, 27},
                                                   {0, 0, kAbortTargetEvicted, 29, 29}}));
  EXPECT_EQ(records[2], Advance({{0, 0, 30}}));
}

TEST_F(AllOfTest, NothingIsAbortedWhereNobodyIsEvicted) {
  Add(ReportOf(4, {{0, 0, 30}, {1, 0, 5}}));
  EXPECT_EQ(Proposed().records, (std::vector<LogRecord>{Advance({{0, 0, 30}, {1, 0, 5}})}));
}

TEST_F(AllOfTest, AnotherThanTheSmCannotKnowAndAbortsNothing) {
  input_.was_sm = false;
  EXPECT_EQ(Proposed().records, (std::vector<LogRecord>{Advance({{0, 0, 30}, {1, 0, 5}})}));
}

TEST_F(AllOfTest, AMissingLearnerIsNoEvictedTarget) {
  base_.members[4].status = MemberStatus::kLearner;
  input_.reports.clear();
  for (Slot slot : {0, 1, 2, 3}) Add(ReportOf(slot, {{0, 0, 30}}));
  EXPECT_EQ(Proposed().records.size(), 1u);
}

}  // namespace
}  // namespace strata::multicast
