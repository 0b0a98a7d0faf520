#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "multicast/core/proposal_builder.h"
#include "multicast/core/test_group.h"

// For tests of what a candidate decides.
namespace strata::multicast::testing {

inline constexpr Epoch kBallot = {9, MemberId(2)};

inline LogRecord Advance(std::vector<Position> positions) {
  LogRecord record;
  record.positions = std::move(positions);
  return record;
}

// View 5 of managers 1 and 2 and engines 3, 4, 5 (voters 1, 2, 3), log up to 20. Manager 2
// proposes.
class ProposalBuilderCase : public ::testing::Test {
 protected:
  ProposalBuilderCase() {
    base_ = MakeView(5, 5);
    base_.log_number = 10;
    log_.StartAfter(10);
    for (Seq number = 11; number <= 20; ++number) log_.Append(Advance({{0, 0, number}}));
    input_.ballot = kBallot;
    input_.self = base_.members[1];
    input_.log = &log_;
    input_.received_view = &base_;
  }

  Report ReportOf(Slot slot, std::vector<Position> positions = {}, uint64_t log_seen = 20) {
    Report report;
    report.ballot = report.promised = kBallot;
    report.self = base_.members[slot];
    report.status = base_.members[slot].status;
    report.synced = true;
    report.log_seen = log_seen;
    report.positions = std::move(positions);
    report.installed = base_;
    return report;
  }
  // A member that has restarted: it knows the view from its disk only.
  Report MemorylessReport(Slot slot, uint64_t durable_commit = 0) {
    Report report = ReportOf(slot, {}, 0);
    report.self.incarnation.bytes.fill(200);
    report.status = report.self.status = MemberStatus::kNone;
    report.synced = false;
    report.durable_commit = durable_commit;
    return report;
  }
  Report JoinerReport(uint32_t id) {
    Report report;
    report.ballot = report.promised = kBallot;
    report.self = MakeMember(id, Role::kEngine, MemberStatus::kNone);
    return report;
  }
  void Add(const Report& report) { input_.reports.push_back(report); }
  void AddAll(const std::vector<Slot>& slots) {
    for (const Slot slot : slots) Add(ReportOf(slot));
  }

  Decision Decided() {
    auto decided = Decide(input_);
    EXPECT_TRUE(std::holds_alternative<Decision>(decided));
    if (!std::holds_alternative<Decision>(decided)) return {};
    return std::get<Decision>(decided);
  }
  ViewProposal Proposed() { return Decided().proposal; }
  void ExpectIndecision(Indecision why) {
    const auto decided = Decide(input_);
    ASSERT_TRUE(std::holds_alternative<Indecision>(decided));
    EXPECT_EQ(std::get<Indecision>(decided), why);
  }
  std::vector<uint32_t> MemberIds() {
    std::vector<uint32_t> ids;
    const View view = Proposed().view;
    for (const MemberInfo& member : view.members) ids.push_back(member.id.value());
    return ids;
  }
  // What the new view makes of `id`; kNone if it is not in it.
  MemberStatus StatusOf(uint32_t id) {
    const View view = Proposed().view;
    const Slot slot = view.SlotOf(MemberId(id));
    return slot == kNoSlot ? MemberStatus::kNone : view.members[slot].status;
  }

  View base_;
  CommitLog log_;
  DecisionInput input_;
};

}  // namespace strata::multicast::testing
