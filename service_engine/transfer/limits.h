#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/time.h"

// What the agent takes of time and memory at most.
namespace strata::engine::transfer {

inline constexpr size_t kThreadsMax = 64;
inline constexpr size_t kHeaderBytesMax = 64 << 10;  // Of a request.
// Of an origin's answer: nginx takes 16 KiB (proxy_buffer_size), with what is added to it.
inline constexpr size_t kOriginHeadBytesMax = 15 << 10;
inline constexpr size_t kPieceBytes = 128 << 10;  // Read, written and spooled at once.
// Beast reads as much at once as its buffer has room for.
inline constexpr size_t kFrontBytes = 8 << 10;
// Memory for the pieces of a body of this length.
inline size_t PieceFor(std::optional<uint64_t> length) {
  return static_cast<size_t>(std::min<uint64_t>(length.value_or(kPieceBytes), kPieceBytes));
}
inline constexpr size_t kEndpointsPerOriginMax = 16;  // Addresses of one name that are tried.
inline constexpr size_t kInterimAnswersMax = 8;       // 1xx before the answer.
inline constexpr size_t kErrorTextMax = 200;          // Bytes of a reason towards the client.
inline constexpr size_t kHeldPerFetch = 16;           // Fetches being handed out, per open one.
inline constexpr size_t kReaderRoundsMax = 3;         // Fetches that one /fill goes through.

inline constexpr Duration kIdleConnection = std::chrono::seconds(90);  // Above nginx's 60 s.
inline constexpr Duration kReaderStall = std::chrono::minutes(2);      // nginx takes nothing.
inline constexpr Duration kRequestBodyStall = std::chrono::minutes(2);
// For nginx to close after a fill: by then it has put the file where it belongs.
inline constexpr Duration kFillClose = std::chrono::seconds(30);
// A fetch stays so long after a cache has it: for those who looked there just before.
inline constexpr Duration kLinger = std::chrono::milliseconds(200);
// A fetch that nobody comes for is forgotten so long after its end.
inline constexpr Duration kUnclaimed = std::chrono::seconds(5);
// An origin that failed is asked after the others for so long.
inline constexpr Duration kOriginRest = std::chrono::seconds(10);
inline constexpr size_t kOriginsRestingMax = 1024;
// Connections to origins that are kept for the next request: how long, up to which age (names may
// lead elsewhere by then), how many of one origin, and of all.
inline constexpr Duration kOriginIdle = std::chrono::seconds(15);
inline constexpr Duration kOriginConnectionAge = std::chrono::minutes(5);
inline constexpr size_t kOriginIdleEachMax = 64;
inline constexpr size_t kOriginIdleMax = 512;
inline constexpr size_t kOriginSessionsMax = 256;  // TLS sessions, one of each origin.
// How long the answer to a request of an unsafe method waits for the cached copy to go.
inline constexpr Duration kInvalidateLimit = std::chrono::seconds(5);
// Requests of other methods end for want of progress; this is for what does not want.
inline constexpr Duration kForwardLimit = std::chrono::hours(24);
inline constexpr Duration kAcceptPause = std::chrono::milliseconds(100);  // Without descriptors.

// The room on the disk is looked at once for so many bytes.
inline constexpr size_t kSpaceCheckBytes = 16 << 20;

}  // namespace strata::engine::transfer
