#pragma once

#include <chrono>
#include <cstddef>

#include "common/time.h"

// The limits of questions between managers. docs/protocols/federation.md, 4.
namespace strata::manager::locating {

// Of one scope, whose addresses are known.
inline constexpr size_t kManagersPerNeighbourMax = 16;
inline constexpr size_t kAddressBytesMax = 300;  // HOST:PORT

// An answer; kLocatedCopiesMax copies with long names and all their addresses are below.
inline constexpr int kReplyBytesMax = 1 << 20;

// A connection over which no answer came for so long is not used again.
inline constexpr Duration kSilentAfter = std::chrono::milliseconds(500);
// Pings of HTTP/2: a machine that does not answer two of them is away.
inline constexpr Duration kKeepalive = std::chrono::seconds(1);

// How long people wait for an answer at most, and what of their time is kept for its way.
inline constexpr Duration kTraceTimeMax = std::chrono::seconds(5);

// Copies of one content whose size and lifetime are read from the store.
inline constexpr size_t kDetailsMax = 8;

// Contents whose purges are remembered one by one.
inline constexpr size_t kPurgesRememberedMax = 200'000;

}  // namespace strata::manager::locating
