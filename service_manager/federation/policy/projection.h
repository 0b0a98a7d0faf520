#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "absl/container/inlined_vector.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_matcher.h"

// The projection of a content: what the parent shall know of its copies. Pure, any thread; nothing
// is allocated up to kHoldersInline holders. docs/protocols/federation.md, 2.
//
// All copies in the index are this scope's own. `own_scope` is the holder that stands for the scope
// as a whole: no child may tell of it, so it is none of theirs.
namespace strata::manager::federation {

inline constexpr size_t kHoldersInline = 8;

// Who the parent shall know to have the content, in the order of the holders.
using Projection = absl::InlinedVector<directory::Location, kHoldersInline>;

// A copy came (nothing before), went (nothing after), or is told anew: with other flags, or with
// another size, lifetime or validator.
struct CopyChange {
  directory::Holder holder;
  std::optional<directory::LocationFlags> before = std::nullopt;
  std::optional<directory::LocationFlags> after = std::nullopt;

  friend bool operator==(const CopyChange&, const CopyChange&) = default;
};
// Each of another holder, in their order.
using CopyChanges = absl::InlinedVector<CopyChange, kHoldersInline>;

// `copies`: all that the index has of the content, in any order.
Projection ProjectionOf(std::span<const directory::Location> copies, const Treatment& treatment,
                        directory::Holder own_scope);

// What turns one projection into the other.
CopyChanges DifferenceOf(std::span<const directory::Location> before,
                         std::span<const directory::Location> after);

// What one change of a copy changes in the projection: at most two. `copies`: all that the index
// has of the content, as before or as after the change. The same as the difference of the
// projections before and after, in one look at the copies; and a copy that is told in full and
// changed in nothing that the index knows is told anew.
CopyChanges ProjectedChangeOf(const CopyChange& change, std::span<const directory::Location> copies,
                              const Treatment& treatment, directory::Holder own_scope);

}  // namespace strata::manager::federation
