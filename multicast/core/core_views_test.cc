#include <gtest/gtest.h>

#include "multicast/core/core.h"
#include "multicast/core/test_lan.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;

class CoreViewsTest : public CoreTest {
 protected:
  // A fifth member that has all, but for the application's word.
  void AddWhoWaitsUntilReady() {
    CoreSettings settings;
    settings.full_when_ready = true;
    lan_.Add(5, Role::kManager, false, settings);
    lan_.Run(milliseconds(2000));
    ASSERT_EQ(lan_[5].core->status(), MemberStatus::kLearner);
  }
  void ExpectFullWhenReady() {
    Core& core = *lan_[5].core;
    EXPECT_TRUE(core.Ready(core.view().number));
    lan_.Run(milliseconds(1500));
    EXPECT_EQ(core.status(), MemberStatus::kFull);
  }
};

TEST_F(CoreViewsTest, EvictsADeadEngineAndGoesOn) {
  FormFour();
  lan_.Kill(4);
  const SendId id = lan_.Send(3, 0, "stalls");
  lan_.Run(milliseconds(320));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[3].core->view().members.size(), 3u);
}

TEST_F(CoreViewsTest, BackupTakesOverFromADeadSm) {
  FormFour();
  lan_.Kill(1);
  const SendId id = lan_.Send(3, 0, "survives");
  lan_.Run(milliseconds(400));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
  ExpectEqualStates({2, 3, 4});
}

TEST_F(CoreViewsTest, RestartedMemberLearnsTheStateAndBecomesFull) {
  FormFour();
  lan_.Send(3, 0, "before");
  lan_.Run(milliseconds(10));
  lan_.Kill(4);
  lan_.Run(milliseconds(400));
  lan_.Send(3, 0, "meanwhile");
  lan_.Add(4, Role::kEngine);
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].state, "before;meanwhile;");
}

TEST_F(CoreViewsTest, DeafMemberIsEvictedAndComesBack) {
  FormFour();
  lan_[4].deaf = true;
  lan_.Run(milliseconds(100));
  lan_.Send(3, 0, "unheard");
  lan_.Run(milliseconds(4000));
  EXPECT_EQ(lan_[3].core->view().members.size(), 3u);
  lan_[4].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_TRUE(lan_[4].left);
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreViewsTest, WhoStartsOverGetsTheStateAnew) {
  FormFour();
  lan_.Send(3, 0, "before");
  lan_.Run(milliseconds(10));
  lan_[4].state = "something else";
  EXPECT_FALSE(lan_[1].core->StartOver(lan_.now()));  // The SM's state is the group's.
  EXPECT_TRUE(lan_[4].core->StartOver(lan_.now()));
  EXPECT_FALSE(lan_[4].core->StartOver(lan_.now()));
  lan_.Turn(4);
  EXPECT_TRUE(lan_[4].left);
  lan_.Send(3, 0, "meanwhile");
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].state, "before;meanwhile;");
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreViewsTest, WhoIsToBeFullWhenReadyStaysALearnerUntilThen) {
  FormFour();
  AddWhoWaitsUntilReady();
  Core& core = *lan_[5].core;
  EXPECT_TRUE(core.synced());
  EXPECT_FALSE(core.Promote(lan_.now()));
  ExpectFullWhenReady();
  // What was said of one membership does not count for the next one.
  const uint32_t number = core.view().number;
  EXPECT_TRUE(core.StartOver(lan_.now()));
  lan_.Turn(5);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(core.status(), MemberStatus::kLearner);
  EXPECT_FALSE(core.Ready(number));
  ExpectFullWhenReady();
  ExpectEqualStates({1, 2, 3, 4, 5});
}

TEST_F(CoreViewsTest, WhoWasReadyUnderOneSmHasToSayItAnewUnderTheNext) {
  FormFour();
  AddWhoWaitsUntilReady();
  Core& core = *lan_[5].core;
  const uint32_t under_first = core.view().number;
  lan_.drop_data[5] = 1000;  // It lacks what the next view commits: it stays a learner there.
  lan_.Send(3, 0, "lacking");
  lan_.Run(milliseconds(1));
  EXPECT_TRUE(core.Ready(under_first));
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(20));
  ASSERT_EQ(core.view().members[0].id, MemberId(2));
  ASSERT_EQ(core.status(), MemberStatus::kLearner);
  lan_.drop_data[5] = 0;
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(core.status(), MemberStatus::kLearner);
  EXPECT_FALSE(core.Ready(under_first));
  ExpectFullWhenReady();
  ExpectEqualStates({1, 2, 3, 4, 5});
}

TEST_F(CoreViewsTest, WhoIsAliveAndHasASlowDiskIsNotLeftOutOfAView) {
  FormFour();
  SlowDown({4});
  lan_.Kill(3);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(lan_[1].core->view().members.size(), 3u);
  EXPECT_FALSE(lan_[4].left);
  EXPECT_EQ(lan_[4].core->view(), lan_[1].core->view());
}

TEST_F(CoreViewsTest, AViewIsAgreedThoughNoMajorityHasAFastDisk) {
  FormFour();
  SlowDown({3, 4});
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(300));
  EXPECT_EQ(lan_[1].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[1].core->view().members.size(), 4u);
  EXPECT_EQ(lan_[2].core->counters()[Counter::kProposalsFailed], 0u);
}

TEST_F(CoreViewsTest, WhoStartsOverWhileItProposesGivesUpAndJoinsAgain) {
  FormFour();
  SlowDown({3, 4});
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(10));
  EXPECT_TRUE(lan_[2].core->StartOver(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(3000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[2].core->view(), lan_[1].core->view());
}

TEST_F(CoreViewsTest, TellsWhenItHeardAMajorityLast) {
  FormFour();
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(100));
  const Timestamp cut = lan_.now();
  lan_[1].deaf = true;
  lan_.Run(milliseconds(200));
  EXPECT_LE(lan_[1].core->majority_heard() - cut, milliseconds(1));
  EXPECT_LE(lan_.now() - lan_[3].core->majority_heard(), milliseconds(100));
  lan_.Run(milliseconds(2000));
  EXPECT_LE(lan_[1].core->majority_heard() - cut, milliseconds(1)) << "it leads nobody";
  lan_[1].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(100));
}

TEST_F(CoreViewsTest, AfterAStandstillAMajorityHasToBeHeardAgain) {
  FormFour();
  lan_[3].still = lan_[3].deaf = true;
  const Timestamp stood = lan_.now();
  lan_.Run(milliseconds(2000));
  lan_[3].still = false;
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[3].core->status(), MemberStatus::kFull) << "it does not know better yet";
  EXPECT_LE(lan_[3].core->majority_heard() - stood, milliseconds(1));
  lan_[3].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_LE(lan_.now() - lan_[3].core->majority_heard(), milliseconds(100));
}

TEST_F(CoreViewsTest, AloneItIsAMajority) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(500));
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(11));
}

TEST_F(CoreViewsTest, OneOfTwoLeadsWithoutTheOtherWhenAPersonSaysSo) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(500));
  lan_.Add(2, Role::kManager);
  lan_.Run(milliseconds(2000));
  lan_.Send(1, 0, "before");
  lan_.Run(milliseconds(100));
  EXPECT_FALSE(lan_[1].core->LeadAnyway());
  lan_.Kill(1);
  lan_.Run(milliseconds(4000));
  EXPECT_NE(lan_[2].core->view().members[0].id, MemberId(2));
  EXPECT_TRUE(lan_[2].core->LeadAnyway());
  lan_.Run(milliseconds(2000));
  ASSERT_EQ(lan_[2].core->view().members.size(), 1u);
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
  lan_.Send(2, 0, "after");
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[2].state, "before;after;");
  lan_.Add(1, Role::kManager);
  lan_.Run(milliseconds(4000));
  EXPECT_EQ(lan_[1].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[1].state, lan_[2].state);
}

TEST_F(CoreViewsTest, WhoWasNoFullMemberLeadsWhenAPersonSaysSo) {
  CoreSettings settings;
  settings.lead_only_if_full = settings.full_when_ready = true;
  lan_.Add(1, Role::kManager, true, settings);
  lan_.Run(milliseconds(500));
  lan_.Add(2, Role::kManager, false, settings);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kLearner);
  lan_.Kill(1);
  lan_.Run(milliseconds(4000));
  EXPECT_TRUE(lan_[2].core->LeadAnyway());
  lan_.Run(milliseconds(3000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  ASSERT_FALSE(lan_[2].core->view().members.empty());
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
}

TEST_F(CoreViewsTest, PromotionMovesTheSmWithoutLoss) {
  FormFour();
  lan_.Send(3, 0, "one");
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Send(3, 0, "two");
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[3].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[3].core->view().members.size(), 4u);
  ExpectEqualStates({1, 2, 3, 4});
  EXPECT_EQ(lan_[1].state, "one;two;");
}

TEST_F(CoreViewsTest, ALearnerWhoseAcksWereLostIsPromotedInAQuietGroup) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(100));
  for (int i = 0; i < 300; ++i) lan_.Send(1, 0, "message");
  lan_.Run(milliseconds(100));
  lan_.Add(2, Role::kEngine);
  lan_.acks_lost_until[2] = lan_.now() + milliseconds(500);
  lan_.Run(milliseconds(500));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kLearner);
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
}

TEST_F(CoreViewsTest, AManagerWithoutStateFoundsAnewWhenItsDonorIsGone) {
  lan_.Add(1, Role::kManager, true);
  lan_.Add(2, Role::kEngine);
  lan_.Run(milliseconds(1000));
  ASSERT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  lan_[2].holds_snapshots = true;
  lan_.Kill(1);
  lan_.Add(1, Role::kManager);
  lan_.Run(milliseconds(2000));
  ASSERT_EQ(lan_[1].core->status(), MemberStatus::kFull) << "it manages for engine 2";
  ASSERT_FALSE(lan_[1].core->synced());
  lan_.Kill(2);
  lan_.Add(2, Role::kEngine);
  lan_.Run(milliseconds(4000));
  EXPECT_TRUE(lan_[1].core->synced());
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
}

}  // namespace
}  // namespace strata::multicast
