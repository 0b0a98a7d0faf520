#pragma once

#include <compare>
#include <cstdint>

#include "common/strong_id.h"

namespace strata::manager::directory {

// Who holds a copy: an engine of the farm, at level 1; a child scope, above.
using Holder = StrongId<struct HolderTag, uint32_t>;

// What the hot index tells of a copy beside its holder; bits.
using LocationFlags = uint8_t;
inline constexpr LocationFlags kLibrary = 1;   // Placed there to stay; without it, a cache's copy.
inline constexpr LocationFlags kComplete = 2;  // All of it; without it, some parts.

// One copy of a content, as the hot index knows it.
struct Location {
  Holder holder;
  LocationFlags flags = 0;

  friend constexpr auto operator<=>(const Location&, const Location&) = default;
};

}  // namespace strata::manager::directory
