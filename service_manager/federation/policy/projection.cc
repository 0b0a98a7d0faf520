#include "service_manager/federation/policy/projection.h"

#include <algorithm>

#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;
using directory::Location;
using directory::LocationFlags;
using Flags = std::optional<LocationFlags>;

// `flags`, if their copy is forwarded like that.
Flags Forwarded(const Flags& flags, const Treatment& treatment, Forward forward) {
  return flags.has_value() && treatment.Of(*flags) == forward ? flags : std::nullopt;
}

Flags Union(const Flags& a, const Flags& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return static_cast<LocationFlags>(*a | *b);
}

// What the scope as a whole has of those copies, one of them aside.
Flags ScopeFlags(std::span<const Location> copies, const Treatment& treatment,
                 std::optional<Holder> aside) {
  Flags flags;
  for (const Location& copy : copies) {
    if (copy.holder == aside && !STRATA_MUTANT(kFirstCopyUncounted)) continue;
    flags = Union(flags, Forwarded(copy.flags, treatment, Forward::kScope));
  }
  return flags;
}

}  // namespace

Projection ProjectionOf(std::span<const Location> copies, const Treatment& treatment,
                        Holder own_scope) {
  Projection projection;
  for (const Location& copy : copies) {
    if (treatment.Of(copy.flags) == Forward::kFull) projection.push_back(copy);
  }
  const Flags scope = ScopeFlags(copies, treatment, std::nullopt);
  if (scope.has_value()) projection.push_back({.holder = own_scope, .flags = *scope});
  std::sort(projection.begin(), projection.end());
  return projection;
}

CopyChanges DifferenceOf(std::span<const Location> before, std::span<const Location> after) {
  CopyChanges changes;
  while (!before.empty() || !after.empty()) {
    const bool old = after.empty() || (!before.empty() && before[0].holder <= after[0].holder);
    const bool young = before.empty() || (!after.empty() && after[0].holder <= before[0].holder);
    CopyChange change{.holder = old ? before[0].holder : after[0].holder};
    if (old) change.before = before[0].flags;
    if (young) change.after = after[0].flags;
    if (change.before != change.after) changes.push_back(change);
    before = before.subspan(old ? 1 : 0);
    after = after.subspan(young ? 1 : 0);
  }
  return changes;
}

CopyChanges ProjectedChangeOf(const CopyChange& change, std::span<const Location> copies,
                              const Treatment& treatment, Holder own_scope) {
  CopyChanges changes;
  const auto forwarded = [&](const Flags& flags, Forward forward) {
    return Forwarded(flags, treatment, forward);
  };
  const CopyChange full{.holder = change.holder,
                        .before = forwarded(change.before, Forward::kFull),
                        .after = forwarded(change.after, Forward::kFull)};
  if (full.before.has_value() || full.after.has_value()) changes.push_back(full);

  const Flags scope_before = forwarded(change.before, Forward::kScope);
  const Flags scope_after = forwarded(change.after, Forward::kScope);
  if (scope_before == scope_after) return changes;
  const Flags others = ScopeFlags(copies, treatment, change.holder);
  CopyChange scope{.holder = own_scope,
                   .before = Union(others, scope_before),
                   .after = Union(others, scope_after)};
  if (STRATA_MUTANT(kLastCopyKept) && !scope_after) scope.after = scope.before;
  if (STRATA_MUTANT(kScopeFlagsOfLast) && scope_after) scope.after = scope_after;
  if (scope.before == scope.after) return changes;
  changes.insert(scope.holder < full.holder ? changes.begin() : changes.end(), scope);
  return changes;
}

}  // namespace strata::manager::federation
