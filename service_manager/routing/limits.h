#pragma once

#include <cstddef>

namespace strata::manager::routing {

// Locations of one content that are looked at for a request; a farm has fewer engines.
inline constexpr size_t kLocationsRankedMax = 64;

// Engines that a forwarded request is tried at, one after the other.
inline constexpr size_t kForwardTriesMax = 4;

}  // namespace strata::manager::routing
