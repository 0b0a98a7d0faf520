#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/time.h"

// The limits of the streams of sites and purges. docs/protocols/site_flow.md, 2.
namespace strata::manager::site_flow {

// The same at both sides, or they refuse each other.
inline constexpr uint32_t kSiteFlowProtocol = 1;
// A message: a site with its file, or the beginning of a stream, which names all sites.
inline constexpr size_t kMessageBytesMax = size_t{8} << 20;
inline constexpr size_t kYamlBytesMax = size_t{1} << 20;
// Who ordered something, as text.
inline constexpr size_t kByBytesMax = 300;
// Of a purge that climbs: how much longer than at its home a manager waits for the answer.
inline constexpr Duration kClimbMargin = std::chrono::seconds(3);
// Orders under way at one manager.
inline constexpr int kOrdersMax = 64;
// Purges that are listed of a site, if nobody says how many, and at most.
inline constexpr uint32_t kPurgesListed = 20;
inline constexpr uint32_t kPurgesListedMax = 1000;
// So often a farm looks whether an engine that is away certainly serves nothing by now.
inline constexpr Duration kEnginesLookEvery = std::chrono::milliseconds(500);

}  // namespace strata::manager::site_flow
