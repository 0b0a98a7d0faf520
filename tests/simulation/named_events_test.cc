#include "tests/simulation/named_events.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::LogRecord;
using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;

class NamedEventsTest : public CheckerCase {
 protected:
  uint64_t Seen(Event event) const { return events_.counts()[static_cast<size_t>(event)]; }
  NamedEvents events_{stage_};
};

TEST_F(NamedEventsTest, SeeATakeOverAfterACommitThatOnlySomeHeard) {
  multicast::ViewProposal proposal;
  proposal.view = MakeView(2, 5, {2, 3});
  proposal.ballot = proposal.view.epoch;
  proposal.quorums = {{MemberId(2)}};
  proposal.log_first = 4;
  proposal.records = {LogRecord{}};
  m(2).applied = 3;
  m(3).applied = 4;
  events_.OnTransmit(m(2), *Encoded(m(2), PacketType::kView, proposal), Sent::kGroup);
  EXPECT_EQ(Seen(Event::kTakeOverAfterPartialCommit), 1u);
}

TEST_F(NamedEventsTest, SeeAZombieSmOnce) {
  m(2).current = MakeView(2, 5, {2, 3});
  for (multicast::Seq seq = 1; seq < 3; ++seq) {
    events_.OnTransmit(m(1), *MakeData(m(1), seq), Sent::kGroup);
  }
  EXPECT_EQ(Seen(Event::kZombieSm), 1u);
}

TEST_F(NamedEventsTest, SeeTheLostLastPacketButNoOtherGap) {
  events_.OnTransmit(m(1), *MakeData(m(1), 1), Sent::kGroup);
  events_.OnTransmit(m(1), *MakeData(m(1), 2), Sent::kGroup);
  multicast::Resend resend;
  resend.requests = {{.slot = 0, .stream = 0, .count = 1, .from = 1}};
  events_.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  EXPECT_EQ(Seen(Event::kLostLastPacket), 0u);
  resend.requests[0].from = 2;
  events_.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  EXPECT_EQ(Seen(Event::kLostLastPacket), 1u);
}

TEST_F(NamedEventsTest, SeeAnAckBeforeItsData) {
  events_.OnHanded(m(2), *AckOf(3, 1));
  events_.OnHanded(m(2), *MakeData(m(1), 1));
  EXPECT_EQ(Seen(Event::kAckBeforeData), 1u);
  events_.OnHanded(m(2), *MakeData(m(1), 2));
  events_.OnHanded(m(2), *AckOf(3, 2));
  EXPECT_EQ(Seen(Event::kAckBeforeData), 1u);
}

TEST_F(NamedEventsTest, SeeTwoMembersJoinAtOnce) {
  events_.OnViewChanged(m(1), MakeView(2, 5, {1, 2, 3, 4}), MemberStatus::kFull);
  EXPECT_EQ(Seen(Event::kTwoJoinAtOnce), 0u);
  events_.OnViewChanged(m(1), MakeView(3, 6, {1, 2, 3, 4, 5}), MemberStatus::kFull);
  EXPECT_EQ(Seen(Event::kTwoJoinAtOnce), 1u);
}

TEST_F(NamedEventsTest, SeeATakeOverWhileALearnerIsReady) {
  events_.OnReady(m(3));
  events_.OnViewChanged(m(3), MakeView(2, 5, {1, 2, 3}), MemberStatus::kLearner);
  EXPECT_EQ(Seen(Event::kTakeOverWhileReady), 0u);
  events_.OnViewChanged(m(3), MakeView(3, 6, {2, 1, 3}), MemberStatus::kLearner);
  EXPECT_EQ(Seen(Event::kTakeOverWhileReady), 1u);
  events_.OnViewChanged(m(3), MakeView(4, 7, {1, 2, 3}), MemberStatus::kLearner);
  EXPECT_EQ(Seen(Event::kTakeOverWhileReady), 1u);
}

TEST_F(NamedEventsTest, SeeACrashBetweenSnapshotAndReady) {
  NamedEvents events(stage_, true);
  const auto crashes = [&events] {
    return events.counts()[static_cast<size_t>(Event::kCrashBeforeReady)];
  };
  events.OnSnapshotInstalled(m(2), 3);
  events.OnReady(m(2));
  events.OnCrashed(m(2), 0);
  EXPECT_EQ(crashes(), 0u);
  events.OnSnapshotInstalled(m(2), 3);
  events.OnCrashed(m(2), 0);
  EXPECT_EQ(crashes(), 1u);
}

TEST_F(NamedEventsTest, SeeAFoundingBesideFullMembersWhoHaveNothingToGive) {
  m(2).runs = m(3).runs = false;
  events_.OnFounded(m(1), 1, 0, 0);
  EXPECT_EQ(Seen(Event::kOnlyLightSurvive), 0u);
  m(3).runs = true;
  events_.OnFounded(m(1), 1, 0, 0);
  EXPECT_EQ(Seen(Event::kOnlyLightSurvive), 1u);
}

}  // namespace
}  // namespace strata::simulation
