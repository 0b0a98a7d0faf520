#pragma once

#include <cstddef>
#include <cstdint>

#include "common/time.h"

namespace strata::engine {

// ---- nginx, the process.
inline constexpr Duration kStartLimit = std::chrono::seconds(10);   // Until it serves.
inline constexpr Duration kReloadLimit = std::chrono::seconds(20);  // Until it has new workers.
inline constexpr Duration kRetireLimit = std::chrono::seconds(5);  // Until old ones accept no more.
inline constexpr Duration kTestLimit = std::chrono::seconds(20);   // nginx -t.
inline constexpr Duration kQuitLimit = std::chrono::seconds(3);    // To finish requests.
inline constexpr Duration kTerminateLimit = std::chrono::seconds(1);
inline constexpr Duration kRestartDelay = std::chrono::milliseconds(100);  // Doubles with each.
inline constexpr Duration kRestartDelayMax = std::chrono::seconds(10);
inline constexpr Duration kLongLife =
    std::chrono::seconds(30);                     // After it the delay is short again.
inline constexpr size_t kMessageBytesMax = 4096;  // Of what nginx says of an error.

inline constexpr size_t kProcFileBytesMax = 1 << 20;  // What the kernel says of a process.

// What waits notices so late that the engine is to end.
inline constexpr Duration kEndingLook = std::chrono::milliseconds(50);

// ---- Asking it.
inline constexpr Duration kStatusLimit = std::chrono::seconds(1);
inline constexpr size_t kFetchBytesMax = 65536;

// ---- Watching folders.
inline constexpr size_t kScanThreads = 4;
inline constexpr size_t kScanProgressFiles = 20000;  // A line in the log for each.
inline constexpr size_t kEventBufferBytes = 65536;
inline constexpr size_t kFolderDepthMax = 64;                       // Of a library.
inline constexpr Duration kRootRetry = std::chrono::seconds(1);     // A root that is not there.
inline constexpr Duration kSettleLimit = std::chrono::seconds(60);  // A purge waits for a scan.

// ---- Purge.
inline constexpr int kTempFrontTries = 5;  // A temporary file whose front is not written yet.
inline constexpr Duration kTempFrontWait = std::chrono::milliseconds(1);
inline constexpr size_t kPurgedNameTries = 10000;

// ---- The request log.
inline constexpr Duration kLogInterval = std::chrono::milliseconds(100);
// At a time: small enough to be still in the processor's cache when it is read.
inline constexpr size_t kLogReadBytes = 128 << 10;
inline constexpr size_t kLogReadBytesMax = 1 << 20;  // For a line that is longer.
inline constexpr size_t kLogReadsPerTurn = 512;
inline constexpr Duration kRotateLimit = std::chrono::seconds(10);  // Without leases: until closed.

inline constexpr size_t kOperatorLogsOpen = 128;  // Of sites, at a time.

// ---- The disk.
inline constexpr Duration kDiskInterval = std::chrono::seconds(5);
inline constexpr uint64_t kDiskFullBytes = 16ull << 20;  // Less is full.

}  // namespace strata::engine
