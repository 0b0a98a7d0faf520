#include "service_manager/federation/policy/policy_walk.h"

#include <utility>

#include "common/check.h"
#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {
namespace {

using farm::ContentKey;

// Nothing behind the last key.
std::optional<ContentKey> KeyAfter(ContentKey key) {
  if (++key.low == 0 && ++key.high == 0) return std::nullopt;
  return key;
}

bool LiesBefore(const ContentKey& key, const std::optional<ContentKey>& end) {
  return !end.has_value() || key < *end;
}

}  // namespace

PolicyWalk::PolicyWalk(std::shared_ptr<const ForwardingMatcher> matcher,
                       directory::Holder own_scope)
    : own_scope_(own_scope) {
  parts_.push_back({.matcher = std::move(matcher), .end = std::nullopt});
}

void PolicyWalk::Replace(std::shared_ptr<const ForwardingMatcher> newest) {
  waiting_ = nullptr;
  if (STRATA_MUTANT(kSecondWalkThoughtDone) && under_way()) AdvanceTo(std::nullopt);
  Part& front = parts_.front();
  if (front.matcher->TreatsAlike(*newest)) {
    front.matcher = std::move(newest);  // Its rules may have other numbers.
  } else if (parts_.size() == kPoliciesUnderWayMax) {
    waiting_ = std::move(newest);
  } else {
    parts_.insert(parts_.begin(), {.matcher = std::move(newest), .end = ContentKey{}});
    Join();
  }
}

size_t PolicyWalk::PartOf(const ContentKey& key) const {
  size_t part = 0;
  while (!LiesBefore(key, parts_[part].end)) ++part;  // The last one has no end.
  return part;
}

const ForwardingMatcher& PolicyWalk::MatcherOf(const ContentKey& key) const {
  return *parts_[PartOf(key)].matcher;
}

Status PolicyWalk::Step(size_t contents_max, Reader read, Teller tell) {
  if (!under_way()) return Ok();
  STRATA_CHECK(contents_max > 0);
  const StatusOr<bool> more =
      read(cursor(), contents_max, [&](const WalkedContent& content) { Pass(content, tell); });
  if (more.ok() && !*more) AdvanceTo(std::nullopt);
  BeginWaiting();
  return more.status();
}

void PolicyWalk::Pass(const WalkedContent& content, Teller tell) {
  const size_t part = PartOf(content.key);
  if (part == 0) return;  // The cursor has leapt over what is treated alike.
  const Treatment before = parts_[part].matcher->TreatmentOf(content.canonical_uri);
  const Treatment after = parts_.front().matcher->TreatmentOf(content.canonical_uri);
  if (before != after && !STRATA_MUTANT(kOldRuleKept)) {
    const CopyChanges changes = DifferenceOf(ProjectionOf(content.copies, before, own_scope_),
                                             ProjectionOf(content.copies, after, own_scope_));
    if (!changes.empty()) tell(content, changes);
  }
  AdvanceTo(KeyAfter(content.key));
}

// The newest policy holds for all before `end`.
void PolicyWalk::AdvanceTo(std::optional<ContentKey> end) {
  parts_.front().end = end;
  if (!HasKeysLeft(1)) Join();
}

bool PolicyWalk::HasKeysLeft(size_t part) const {
  const std::optional<ContentKey>& end = parts_.front().end;
  return end.has_value() && LiesBefore(*end, parts_[part].end);
}

// Forgets policies that hold for nothing any more, and takes over from those that treat all alike.
void PolicyWalk::Join() {
  Part& front = parts_.front();
  size_t joined = 1;
  for (; joined < parts_.size(); ++joined) {
    if (!HasKeysLeft(joined)) continue;
    if (!parts_[joined].matcher->TreatsAlike(*front.matcher)) break;
    front.end = parts_[joined].end;
  }
  parts_.erase(parts_.begin() + 1, parts_.begin() + static_cast<ptrdiff_t>(joined));
}

void PolicyWalk::BeginWaiting() {
  if (waiting_ != nullptr && parts_.size() < kPoliciesUnderWayMax) {
    Replace(std::exchange(waiting_, nullptr));
  }
}

}  // namespace strata::manager::federation
