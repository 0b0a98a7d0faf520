#pragma once

#include <cstddef>

namespace strata::manager::routing {

// Locations of one content that are looked at for a request; a farm has fewer engines.
inline constexpr size_t kLocationsRankedMax = 64;

// Engines that a forwarded request is tried at, one after the other.
inline constexpr size_t kForwardTriesMax = 4;

// Scopes that one report of loads tells of, and engines that it names. What is beyond is left out,
// the lowest scopes first: they are judged by those above them.
inline constexpr size_t kScopesPerReportMax = 4096;
inline constexpr size_t kImpairedPerReportMax = 8192;

// Lines of a region map, and the regions that they name.
inline constexpr size_t kRegionLinesMax = size_t{4} << 20;
inline constexpr size_t kRegionsMax = 4096;

}  // namespace strata::manager::routing
