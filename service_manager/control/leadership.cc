#include "service_manager/control/leadership.h"

#include <set>
#include <utility>

namespace strata::manager::control {
namespace {

const multicast::MemberInfo* FindIn(const multicast::View& view, multicast::MemberId id) {
  for (const multicast::MemberInfo& member : view.members) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

// Epochs are unique, and later ones are greater; so are terms. Managers' ids are below 101.
uint64_t TermOf(const multicast::Epoch& epoch) {
  return epoch.counter << 7 | (epoch.proposer.value() & 0x7f);
}

}  // namespace

void Leadership::OnView(const multicast::View& view) {
  const multicast::MemberInfo* self = FindIn(view, self_);
  const multicast::MemberId leader =
      view.members.empty() ? multicast::MemberId() : view.members.front().id;
  const bool full = self != nullptr && self->status == multicast::MemberStatus::kFull;
  const bool to_lead = full && leader == self_;
  const bool another = self != nullptr && self->incarnation != membership_;
  if (self != nullptr) membership_ = self->incarnation;
  if (to_lead) Require(view);
  bool follows_anew = false;
  {
    absl::MutexLock lock(&mutex_);
    follows_anew = !to_lead && (leader != leader_ || another || to_lead_);
    to_lead_ = to_lead;
    leader_ = leader;
    if (to_lead && !leads_) term_ = TermOf(view.epoch);
    if (!to_lead) leads_ = false;
    learns_in_.reset();
  }
  if (!to_lead && !is_sole()) store_.Follow();
  if (follows_anew) follow_(true);
  const bool learns = self != nullptr && self->status == multicast::MemberStatus::kLearner;
  absl::MutexLock lock(&mutex_);
  // Only now: what was said on an earlier stream does not count for this membership.
  if (learns) learns_in_ = view.number;
}

void Leadership::Require(const multicast::View& view) {
  std::set<std::string> full;
  std::set<std::string> candidates;
  for (const multicast::MemberInfo& member : view.members) {
    if (member.role != multicast::Role::kManager || member.id == self_) continue;
    std::string name = book_.NameOf(member.id.value());
    if (name.empty()) name = "number " + std::to_string(member.id.value());
    const bool is_full = member.status == multicast::MemberStatus::kFull;
    (is_full ? full : candidates).insert(std::move(name));
  }
  store_.Require(std::move(full), std::move(candidates));
}

StatusOr<bool> Leadership::Begin() {
  uint64_t term = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!to_lead_ || leads_) return false;
    term = term_;
  }
  follow_(false);
  const Status led = store_.Lead(term);
  {
    absl::MutexLock lock(&mutex_);
    leads_ = led.ok() && to_lead_;
    if (leads_) return true;
    if (!is_sole()) store_.Follow();
  }
  follow_(true);  // A later view came in between, or the disk failed.
  STRATA_RETURN_IF_ERROR(led);
  return false;
}

bool Leadership::is_to_begin() const {
  absl::MutexLock lock(&mutex_);
  return to_lead_ && !leads_;
}

bool Leadership::leads() const {
  absl::MutexLock lock(&mutex_);
  return leads_;
}

std::string Leadership::leader() const {
  multicast::MemberId leader{};
  {
    absl::MutexLock lock(&mutex_);
    leader = leader_;
  }
  return book_.NameOf(leader.value());
}

Status Leadership::CheckLeads() const {
  {
    absl::MutexLock lock(&mutex_);
    if (leads_) return Ok();
    if (to_lead_) return Unavailable("this manager begins to lead its farm at this moment");
  }
  const std::string name = leader();
  const StatusOr<ManagerBook::Entry> entry = book_.Find(name);
  if (entry.ok()) {
    return Unavailable("this manager does not lead its farm: %s at %s does", name.c_str(),
                       entry->address.c_str());
  }
  return Unavailable(
      "this manager does not lead its farm at the moment: too few of its members are in reach");
}

std::optional<uint32_t> Leadership::learns_in() const {
  absl::MutexLock lock(&mutex_);
  return learns_in_;
}

}  // namespace strata::manager::control
