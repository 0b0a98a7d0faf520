#include "tests/simulation/view_checker.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::LogRecord;
using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;

using ViewCheckerTest = CheckerCase;

TEST_F(ViewCheckerTest, AnAckBelowAPromiseIsCaught) {
  ViewChecker checker(stage_, false);
  multicast::Report report;
  report.ballot = report.promised = {5, MemberId(3)};
  report.self = m(2).current.members[1];
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kReport, report), Sent::kUnicast);
  EXPECT_TRUE(Silent());
  checker.OnTransmit(m(2), *AckOf(2, 1), Sent::kAcks);
  EXPECT_TRUE(Caught("promise"));
}

TEST_F(ViewCheckerTest, APromiseToALowerBallotIsCaught) {
  ViewChecker checker(stage_, false);
  multicast::Ballot high{{5, MemberId(3)}};
  multicast::Ballot low{{4, MemberId(1)}};
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kViewAck, high), Sent::kUnicast);
  checker.OnTransmit(m(2), *Encoded(m(2), PacketType::kViewAck, low), Sent::kUnicast);
  EXPECT_TRUE(Caught("promise"));
}

TEST_F(ViewCheckerTest, AViewWithoutMajorityIsCaught) {
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

TEST_F(ViewCheckerTest, TwoViewsOfOneNumberAreCaught) {
  ViewChecker checker(stage_, false);
  multicast::View other = MakeView(2, 1, {2, 3});
  other.number = 1;
  checker.OnViewChanged(m(1), MakeView(1, 1, {1, 2, 3}), MemberStatus::kFull);
  checker.OnViewChanged(m(2), other, MemberStatus::kFull);
  checker.OnEnd(m(1));
  EXPECT_TRUE(Caught("one-view"));
}

TEST_F(ViewCheckerTest, DifferentStatesInOneViewAreCaught) {
  ViewChecker checker(stage_, false);
  m(1).has.Append({.number = 2, .origin = MemberId(1), .stream = 0, .id = 10, .hash = 1});
  multicast::View next = MakeView(2, 4, {1, 2});
  checker.OnViewChanged(m(1), next, MemberStatus::kFull);
  checker.OnViewChanged(m(2), next, MemberStatus::kFull);
  EXPECT_TRUE(Caught("virtual-synchrony"));
}

}  // namespace
}  // namespace strata::simulation
