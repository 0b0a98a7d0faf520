#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/abort_checker.h"
#include "tests/simulation/address_checker.h"
#include "tests/simulation/branch_book.h"
#include "tests/simulation/economy_checker.h"
#include "tests/simulation/fake_member.h"
#include "tests/simulation/held_checker.h"
#include "tests/simulation/intent_checker.h"
#include "tests/simulation/named_events.h"
#include "tests/simulation/order_checker.h"
#include "tests/simulation/received_checker.h"
#include "tests/simulation/send_checker.h"
#include "tests/simulation/sm_last_checker.h"
#include "tests/simulation/view_checker.h"

// Each checker is shown a good history, about which it must be silent, and a bad one, which it must
// catch.
namespace strata::simulation {
namespace {

using multicast::LogRecord;
using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;

class CheckersTest : public testing::Test {
 protected:
  CheckersTest() {
    for (uint32_t id = 1; id <= 3; ++id) {
      members_.push_back(std::make_unique<FakeMember>(id));
      members_.back()->current = MakeView(1, 1, {1, 2, 3});
      stage_.Add(members_.back().get());
    }
  }

  FakeMember& m(uint32_t id) { return *members_[id - 1]; }
  bool Caught(const std::string& checker) const {
    const auto& failures = stage_.failures();
    return std::any_of(failures.begin(), failures.end(),
                       [&](const Failure& failure) { return failure.checker == checker; });
  }
  bool Silent() const { return stage_.failures().empty(); }

  void ShowViews(Observer& observer) {
    for (auto& member : members_) {
      observer.OnViewChanged(*member, member->current, MemberStatus::kFull);
    }
  }
  PacketPtr AckOf(uint32_t from, multicast::Seq seq) {
    multicast::Ack ack;
    ack.positions = {{.slot = 0, .stream = 0, .seq = seq}};
    return Encoded(m(from), PacketType::kAck, ack);
  }
  PacketPtr CommitOf(uint32_t from, uint64_t number, multicast::Seq seq) {
    multicast::Commit commit;
    commit.first = number;
    LogRecord record;
    record.positions = {{.slot = 0, .stream = 0, .seq = seq}};
    commit.records = {record};
    return Encoded(m(from), PacketType::kCommit, commit);
  }
  PacketPtr ClosedAbort(uint64_t number, multicast::Seq seq) {
    multicast::Commit commit;
    commit.first = number;
    LogRecord record;
    record.kind = LogRecord::Kind::kAborted;
    record.ranges = {{.slot = 0, .stream = 0, .reason = 1, .from = seq, .to = seq}};
    commit.records = {record};
    return Encoded(m(1), PacketType::kCommit, commit);
  }
  SentMessage& Send(uint32_t origin, MessageId id, bool received = false) {
    SentMessage message;
    message.id = id;
    message.origin = MemberId(origin);
    message.incarnation = FakeMember::IncarnationOf(origin);
    message.hash = id * 7;
    message.bytes = 100;
    message.received = received;
    return messages_.Add(message);
  }
  Delivery DeliveryOf(const SentMessage& message, uint64_t number, multicast::Seq seq) {
    return {.origin = message.origin,
            .stream = message.stream,
            .last_seq = seq,
            .number = number,
            .id = message.id,
            .hash = message.hash,
            .bytes = message.bytes};
  }
  // Tells the observers, then appends to the member's state.
  void Deliver(uint32_t member, const SentMessage& message, uint64_t number, multicast::Seq seq,
               const std::vector<Observer*>& observers) {
    Delivery delivery = DeliveryOf(message, number, seq);
    for (Observer* observer : observers) observer->OnDeliver(m(member), delivery);
    if (number == 0) return;
    m(member).has.Append({.number = number,
                          .origin = delivery.origin,
                          .stream = delivery.stream,
                          .id = delivery.id,
                          .hash = delivery.hash});
  }

  EventQueue queue_;
  MessageRegistry messages_;
  Stage stage_{messages_, queue_};
  std::vector<std::unique_ptr<FakeMember>> members_;
};

TEST_F(CheckersTest, AnSmThatWaitsForAllAcksIsFine) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnHanded(m(1), *AckOf(3, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Silent());
}

TEST_F(CheckersTest, AnSmThatCommitsBeforeAnAckIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(CheckersTest, AnSmThatSkipsALogNumberIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *ClosedAbort(4, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(CheckersTest, ACommitInTheMiddleOfAMessageIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(1), *MakeData(m(1), 1, 0, 20, multicast::kInit), Sent::kGroup);
  checker.OnHanded(m(1), *AckOf(2, 1));
  checker.OnHanded(m(1), *AckOf(3, 1));
  checker.OnTransmit(m(1), *CommitOf(1, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("message-end"));
}

TEST_F(CheckersTest, AnAbortClosedBeforeAnAbortAckIsCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  multicast::Ranges ranges{{{.slot = 0, .stream = 0, .reason = 1, .from = 1, .to = 1}}};
  checker.OnHanded(m(1), *Encoded(m(2), PacketType::kAbortAck, ranges));
  checker.OnTransmit(m(1), *ClosedAbort(2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(CheckersTest, CommitsOfAnotherThanTheSmAreCaught) {
  SmLastChecker checker(stage_);
  ShowViews(checker);
  checker.OnTransmit(m(2), *CommitOf(2, 2, 1), Sent::kGroup);
  EXPECT_TRUE(Caught("sm-last"));
}

TEST_F(CheckersTest, DeliveryWhileSomebodyLacksTheMessageIsCaught) {
  HeldChecker checker(stage_);
  const SentMessage& message = Send(1, 10);
  m(1).holds[{0, 0}] = m(2).holds[{0, 0}] = 1;
  m(3).runs = false;
  checker.OnDeliver(m(2), DeliveryOf(message, 2, 1));
  EXPECT_TRUE(Silent());
  m(3).runs = true;
  checker.OnDeliver(m(2), DeliveryOf(message, 2, 1));
  EXPECT_TRUE(Caught("held"));
}

TEST_F(CheckersTest, AnAckForWhatIsNotHeldIsCaught) {
  HeldChecker checker(stage_);
  m(2).holds[{0, 0}] = 4;
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kAcks);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 5), Sent::kAcks);
  EXPECT_TRUE(Caught("ack-held"));
}

TEST_F(CheckersTest, AnAckOrRequestByUnicastIsCaught) {
  AddressChecker checker(stage_);
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kAcks);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 4), Sent::kUnicast);
  EXPECT_TRUE(Caught("address"));
}

TEST_F(CheckersTest, AnAckBelowAPromiseIsCaught) {
  ViewChecker checker(stage_, false);
  multicast::Report report;
  report.ballot = report.promised = {5, MemberId(3)};
  report.self = m(2).current.members[1];
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kReport, report), Sent::kUnicast);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 1), Sent::kAcks);
  EXPECT_TRUE(Caught("promise"));
}

TEST_F(CheckersTest, APromiseToALowerBallotIsCaught) {
  ViewChecker checker(stage_, false);
  multicast::Ballot high{{5, MemberId(3)}};
  multicast::Ballot low{{4, MemberId(1)}};
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kViewAck, high), Sent::kUnicast);
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kViewAck, low), Sent::kUnicast);
  EXPECT_TRUE(Caught("promise"));
}

TEST_F(CheckersTest, AViewWithoutMajorityIsCaught) {
  ViewChecker checker(stage_, false);
  multicast::ViewProposal proposal;
  proposal.view = MakeView(2, 3, {1, 2});
  proposal.ballot = proposal.view.epoch;
  proposal.quorums = {{MemberId(1), MemberId(2), MemberId(3)}};
  LogRecord flush;
  proposal.log_first = 2;
  proposal.records = {flush};
  checker.OnTransmit(m(1), *Encoded(m(1), PacketType::kView, proposal), Sent::kGroup);
  m(1).current = proposal.view;
  checker.OnViewChanged(m(1), proposal.view, MemberStatus::kFull);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("majority"));
}

TEST_F(CheckersTest, TwoViewsOfOneNumberAreCaught) {
  ViewChecker checker(stage_, false);
  multicast::View other = MakeView(2, 1, {2, 3});
  other.number = 1;
  checker.OnViewChanged(m(1), MakeView(1, 1, {1, 2, 3}), MemberStatus::kFull);
  checker.OnViewChanged(m(2), other, MemberStatus::kFull);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("one-view"));
}

TEST_F(CheckersTest, DifferentStatesInOneViewAreCaught) {
  ViewChecker checker(stage_, false);
  m(1).has.Append({.number = 2, .origin = MemberId(1), .stream = 0, .id = 10, .hash = 1});
  multicast::View next = MakeView(2, 4, {1, 2});
  checker.OnViewChanged(m(1), next, MemberStatus::kFull);
  checker.OnViewChanged(m(2), next, MemberStatus::kFull);
  EXPECT_TRUE(Caught("virtual-synchrony"));
}

TEST_F(CheckersTest, TheSameOrderEverywhereIsFine) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  for (uint32_t id = 1; id <= 3; ++id) {
    Deliver(id, a, 2, 1, {&checker});
    Deliver(id, b, 2, 1, {&checker});
  }
  checker.OnEnd(m(1));
  EXPECT_TRUE(Silent());
}

TEST_F(CheckersTest, AMessageDeliveredTwiceIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, a, 3, 1, {&checker});
  EXPECT_TRUE(Caught("once"));
}

TEST_F(CheckersTest, WrongBytesAreCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  SentMessage a = Send(1, 10);
  a.hash ^= 1;
  Deliver(1, a, 2, 1, {&checker});
  EXPECT_TRUE(Caught("content"));
}

TEST_F(CheckersTest, AStreamOutOfOrderIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(1, 11);
  Deliver(1, b, 2, 2, {&checker});
  Deliver(1, a, 3, 1, {&checker});
  EXPECT_TRUE(Caught("fifo"));
}

TEST_F(CheckersTest, AnotherOrderInsideACommitIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, b, 2, 1, {&checker});
  Deliver(1, a, 2, 1, {&checker});
  EXPECT_TRUE(Caught("order"));
}

TEST_F(CheckersTest, AnotherOrderAtOneMemberIsCaught) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  Deliver(2, b, 2, 1, {&checker});
  Deliver(2, a, 3, 1, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("total-order"));
}

// Member 1, the SM, commits a and b one after the other, and dies unheard; the survivors flush both
// in one commit.
TEST_F(CheckersTest, AnSmThatDiesAloneMayHaveGroupedOtherwise) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  for (uint32_t id = 2; id <= 3; ++id) {
    Deliver(id, a, 2, 1, {&checker});
    Deliver(id, b, 2, 1, {&checker});
    m(id).current = MakeView(2, 3, {2, 3});
    branches.OnViewChanged(m(id), m(id).current, MemberStatus::kFull);
  }
  checker.OnEnd(m(2));
  EXPECT_TRUE(Silent());
}

TEST_F(CheckersTest, WhatAnSmDeliveredAloneMustNotBeLost) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  Deliver(1, Send(1, 10), 2, 1, {&checker});
  m(2).current = MakeView(2, 3, {2, 3});
  branches.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("lost"));
}

// A survivor knew log record 3: there the order is fixed.
TEST_F(CheckersTest, WhatASurvivorHadHeardMustNotBeGroupedOtherwise) {
  BranchBook branches;
  OrderChecker checker(stage_, branches);
  ShowViews(branches);
  const SentMessage a = Send(1, 10);
  const SentMessage b = Send(2, 11);
  Deliver(1, a, 2, 1, {&checker});
  Deliver(1, b, 3, 1, {&checker});
  multicast::Propose propose{.ballot = {2, MemberId(2)}, .log_seen = 3};
  branches.OnTransmit(m(2), *Encoded(m(2), PacketType::kPropose, propose), Sent::kGroup);
  Deliver(2, a, 2, 1, {&checker});
  Deliver(2, b, 2, 1, {&checker});
  m(2).current = MakeView(2, 3, {2, 3});
  branches.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("total-order"));
}

// Member 3 knew it too, but said so when the next view was decided already.
TEST_F(CheckersTest, AReportAfterTheDecisionInformsNobody) {
  BranchBook branches;
  ShowViews(branches);
  multicast::Report report;
  report.ballot = report.promised = {2, MemberId(2)};
  report.self = m(1).current.members[0];
  report.status = MemberStatus::kFull;
  report.log_seen = 2;
  branches.OnHanded(m(2), *Encoded(m(1), PacketType::kReport, report));
  branches.OnDecided(m(2), report.ballot);
  report.log_seen = 3;
  branches.OnHanded(m(2), *Encoded(m(3), PacketType::kReport, report));
  EXPECT_EQ(branches.KnownToMakers(report.ballot), 2u);
}

TEST_F(CheckersTest, ALostCommittedSendIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  a.commit_number = 2;
  checker.OnSendDone(m(1), a, {});
  checker.OnEnd(m(2));
  EXPECT_TRUE(Caught("committed-lost"));
}

TEST_F(CheckersTest, ASendCommittedUnderAnotherNumberIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  a.commit_number = 2;
  ShowViews(branches);
  checker.OnSendDone(m(1), a, {});
  Deliver(1, a, 3, 1, {&checker});
  m(1).current = MakeView(2, 4, {1, 2});
  branches.OnViewChanged(m(1), m(1).current, MemberStatus::kFull);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("committed-number"));
}

TEST_F(CheckersTest, AnAbortedSendThatSomebodyDeliveredIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kAborted;
  checker.OnSendDone(m(1), a, {});
  Deliver(3, a, 2, 1, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("aborted-delivered"));
}

TEST_F(CheckersTest, UnknownAtAMemberThatKeepsItsViewIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kUnknown;
  checker.OnSendDone(m(1), a, {});
  checker.OnLeft(m(1), false);
  checker.OnTurnEnd(m(1));
  EXPECT_TRUE(Silent());
  checker.OnSendDone(m(1), a, {});
  checker.OnTurnEnd(m(1));
  EXPECT_TRUE(Caught("unknown"));
}

TEST_F(CheckersTest, AReplyThatNobodyGaveIsCaught) {
  BranchBook branches;
  SendChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10);
  a.outcome = Outcome::kCommitted;
  checker.OnReplied(m(2), 10, 77);
  checker.OnSendDone(m(1), a, {{MemberId(2), 77}});
  EXPECT_TRUE(Silent());
  checker.OnSendDone(m(1), a, {{MemberId(2), 78}});
  EXPECT_TRUE(Caught("reply"));
}

TEST_F(CheckersTest, ADeliveryAfterACompletedAbortIsCaught) {
  BranchBook branches;
  AbortChecker checker(stage_, branches);
  ShowViews(checker);
  checker.OnTransmit(m(1), *ClosedAbort(2, 1), Sent::kGroup);
  checker.OnDeliver(m(3), DeliveryOf(Send(1, 10), 3, 2));
  checker.OnEnd(m(1));
  EXPECT_TRUE(Silent());
  checker.OnDeliver(m(3), DeliveryOf(Send(1, 11), 3, 1));
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("abort"));
}

TEST_F(CheckersTest, AGapInReceivedDeliveryIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10, true);
  Send(1, 11, true);
  const SentMessage c = Send(1, 12, true);
  Deliver(2, a, 0, 1, {&checker});
  Deliver(2, c, 0, 3, {&checker});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("received-gap"));
}

TEST_F(CheckersTest, ReceivedDeliveryOutOfOrderIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  const SentMessage a = Send(1, 10, true);
  const SentMessage b = Send(1, 11, true);
  Deliver(2, b, 0, 2, {&checker});
  Deliver(2, a, 0, 1, {&checker});
  EXPECT_TRUE(Caught("received-fifo"));
}

TEST_F(CheckersTest, AReceivedSendThatAMemberNeverTookIsCaught) {
  BranchBook branches;
  ReceivedChecker checker(stage_, branches);
  SentMessage& a = Send(1, 10, true);
  checker.OnSent(m(1), a);
  a.outcome = Outcome::kReceived;
  Deliver(1, a, 0, 1, {&checker});
  Deliver(2, a, 0, 1, {&checker});
  checker.OnSendDone(m(1), a, {});
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("received-lost"));
}

TEST_F(CheckersTest, TooManyRequestsAreCaught) {
  EconomyChecker checker(stage_);
  multicast::Resend resend;
  resend.requests = {{.slot = 0, .stream = 0, .count = 1, .from = 1}};
  for (int i = 0; i < 30; ++i) {
    checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  }
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("economy"));
}

TEST_F(CheckersTest, ARepairForEachReceiverIsTooMuch) {
  EconomyChecker checker(stage_);
  for (multicast::Seq seq = 1; seq <= 50; ++seq) {
    PacketPtr data = MakeData(m(1), seq, 0, 1000);
    checker.OnTransmit(m(1), *data, Sent::kGroup);
    checker.OnLost(m(2), *data);
    checker.OnLost(m(3), *data);
    for (int i = 0; i < 2; ++i) {
      checker.OnTransmit(m(1), *MakeData(m(1), seq, multicast::kRepair, 1000), Sent::kGroup);
    }
  }
  EXPECT_EQ(checker.economy().lost_bytes, 50'000u);
  EXPECT_EQ(checker.economy().repair_bytes, 100'000u);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("economy"));
}

TEST_F(CheckersTest, ALostTailThatIsMissedLateIsCaught) {
  EconomyChecker checker(stage_);
  PacketPtr data = MakeData(m(1), 1);
  checker.OnTransmit(m(1), *data, Sent::kGroup);
  checker.OnLost(m(2), *data);
  queue_.RunOne(Timestamp::FromNanos(200'000'000));
  multicast::Resend resend;
  resend.requests = {{.slot = 0, .stream = 0, .count = 1, .from = 1}};
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kResend, resend), Sent::kGroup);
  EXPECT_TRUE(Caught("tail"));
}

class NamedEventsTest : public CheckersTest {
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

using IntentCheckerTest = CheckersTest;

TEST_F(IntentCheckerTest, SeesALeaderThatLacksWhatWasAcknowledged) {
  IntentChecker checker(stage_);
  checker.OnLeads(m(1), 1, {});
  checker.OnAcknowledged(m(1), 7);
  checker.OnLeads(m(2), 2, {7, 8});
  EXPECT_TRUE(Silent());
  checker.OnLeads(m(3), 3, {8});
  EXPECT_TRUE(Caught("intent"));
}

TEST_F(IntentCheckerTest, SeesTwoWhoLeadInOneTerm) {
  IntentChecker checker(stage_);
  checker.OnLeads(m(1), 1, {});
  checker.OnLeads(m(1), 1, {});
  EXPECT_TRUE(Silent());
  checker.OnLeads(m(2), 1, {});
  EXPECT_TRUE(Caught("one-leader"));
}

TEST_F(IntentCheckerTest, SeesWhoIsFullAndWasNeverReady) {
  IntentChecker checker(stage_);
  checker.OnViewChanged(m(1), m(1).current, MemberStatus::kFull);  // The founder.
  checker.OnViewChanged(m(2), m(2).current, MemberStatus::kLearner);
  checker.OnReady(m(2));
  checker.OnViewChanged(m(2), m(2).current, MemberStatus::kFull);
  EXPECT_TRUE(Silent());
  checker.OnViewChanged(m(3), m(3).current, MemberStatus::kFull);
  EXPECT_TRUE(Caught("ready"));
}

}  // namespace
}  // namespace strata::simulation
