#include "tests/simulation/branch_book.h"

#include <gtest/gtest.h>

#include "tests/simulation/checker_case.h"

namespace strata::simulation {
namespace {

using multicast::MemberId;
using multicast::MemberStatus;
using multicast::PacketType;

using BranchBookTest = CheckerCase;

// Member 3 knew log record 3, but said so when the next view was decided already.
TEST_F(BranchBookTest, AReportAfterTheDecisionInformsNobody) {
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

}  // namespace
}  // namespace strata::simulation
