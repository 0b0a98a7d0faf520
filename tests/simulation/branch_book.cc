#include "tests/simulation/branch_book.h"

#include <algorithm>
#include <limits>

namespace strata::simulation {

using multicast::Epoch;
using multicast::MemberId;

void BranchBook::OnStarted(const MemberProbe& member, bool) { ++stints_[member.id()]; }

void BranchBook::OnLeft(const MemberProbe& member, bool) { ++stints_[member.id()]; }

void BranchBook::OnCrashed(const MemberProbe& member, size_t) {
  crashed_.insert(StintOf(member.id()));
}

void BranchBook::OnTransmit(const MemberProbe&, const Packet& packet, Sent) {
  if (const auto* propose = packet.As<multicast::Propose>()) {
    uint64_t& known = known_[propose->ballot];
    known = std::max(known, propose->log_seen);
  }
}

void BranchBook::OnHanded(const MemberProbe& to, const Packet& packet) {
  const auto* report = packet.As<multicast::Report>();
  if (report == nullptr || report->ballot.proposer != to.id()) return;
  if (report->status != multicast::MemberStatus::kFull || decided_.contains(report->ballot)) return;
  uint64_t& known = known_[report->ballot];
  known = std::max(known, report->log_seen);
}

void BranchBook::OnDecided(const MemberProbe&, const Epoch& ballot) { decided_.insert(ballot); }

void BranchBook::OnViewChanged(const MemberProbe& member, const multicast::View& view,
                               multicast::MemberStatus) {
  Stint stint = StintOf(member.id());
  last_epoch_[stint] = view.epoch;
  auto full = std::count_if(view.members.begin(), view.members.end(), [](const auto& info) {
    return info.status == multicast::MemberStatus::kFull;
  });
  if (!view.quorum_none || full > 1) {
    alone_since_.erase(stint);
  } else {
    auto known = known_.find(view.epoch);
    alone_since_.emplace(stint, known == known_.end() ? view.log_number : known->second + 1);
  }
  installed_.emplace(view.epoch, view);
}

void BranchBook::OnFounded(const MemberProbe&, uint32_t lineage, uint32_t parent, uint64_t base) {
  foundings_[lineage] = {parent, base};
}

void BranchBook::OnDiverged(const MemberProbe& member, uint64_t first, uint64_t last) {
  diverged_[member.id()].emplace_back(first, last);
}

Stint BranchBook::StintOf(MemberId member) const {
  auto it = stints_.find(member);
  return {member, it == stints_.end() ? 0 : it->second};
}

bool BranchBook::Survives(uint32_t of, uint64_t number, uint32_t lineage) const {
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  for (size_t steps = 0; steps <= foundings_.size(); ++steps) {
    if (lineage == of) return number <= limit;
    auto founding = foundings_.find(lineage);
    if (founding == foundings_.end()) return false;
    limit = std::min(limit, founding->second.base);
    lineage = founding->second.parent;
  }
  return false;
}

bool BranchBook::EndedIn(const Stint& stint, const Epoch& epoch) const {
  auto it = last_epoch_.find(stint);
  return it == last_epoch_.end() || it->second <= epoch;
}

bool BranchBook::Diverged(MemberId member, uint64_t number) const {
  auto it = diverged_.find(member);
  if (it == diverged_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(), [number](const auto& range) {
    return range.first <= number && number <= range.second;
  });
}

bool BranchBook::CrashedAlone(const Stint& stint, uint64_t number) const {
  auto it = alone_since_.find(stint);
  return crashed_.contains(stint) && it != alone_since_.end() && number >= it->second;
}

const multicast::View* BranchBook::Next(const Epoch& epoch) const {
  auto it = installed_.upper_bound(epoch);
  return it == installed_.end() ? nullptr : &it->second;
}

uint64_t BranchBook::KnownToMakers(const Epoch& epoch) const {
  auto it = known_.find(epoch);
  return it == known_.end() ? 0 : it->second;
}

}  // namespace strata::simulation
