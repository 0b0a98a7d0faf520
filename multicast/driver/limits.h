#pragma once

#include <chrono>
#include <cstddef>

#include "common/time.h"

// The named limits of the driver: what one system call, one turn, one queue may take. What a
// deployment chooses is in the settings; these are fixed.
namespace strata::multicast {

// One receive call.
inline constexpr size_t kReceiveSlots = 16;                    // Messages of one recvmmsg.
inline constexpr size_t kReceiveSlotBytes = size_t{64} << 10;  // A whole coalesced train fits.
inline constexpr size_t kMaxTrainDatagrams = 128;              // What the kernel puts into one.

// One send call.
inline constexpr size_t kMaxSegments = 64;           // Datagrams of one segmented message.
inline constexpr size_t kMaxSegmentedBytes = 65487;  // Its length; fits IPv4 and IPv6.
inline constexpr size_t kSendQueueDatagrams = 512;   // Queued before a flush happens by itself.
inline constexpr Duration kSendWait = std::chrono::milliseconds(1);  // For room, in one flush.

// One turn.
inline constexpr size_t kTurnDatagrams = 512;  // Taken from each socket.
inline constexpr size_t kTurnCommands = 1024;  // Taken from other threads.
inline constexpr int kTurnPasses = 8;          // Times that callbacks may feed the core again.
inline constexpr int kUnreadTurns = 4;         // That timers and requests wait for, in a row.
inline constexpr Duration kWaitMax = std::chrono::seconds(1);  // Longest wait of one turn.

// Queues from other threads to the driver's thread.
inline constexpr size_t kMailboxSends = 8192;  // A power of two.
inline constexpr size_t kMailboxSendBytes = size_t{64} << 20;
inline constexpr size_t kMailboxCalls = 4096;
inline constexpr size_t kMailboxKeptBytes = size_t{16} << 10;  // Buffer that a free slot keeps.

// Durable state.
inline constexpr size_t kMaxStateBytes = size_t{4} << 20;
inline constexpr Duration kStateRetry = std::chrono::milliseconds(100);  // After a failed write.

inline constexpr size_t kMaxKeyFileBytes = size_t{64} << 10;

}  // namespace strata::multicast
