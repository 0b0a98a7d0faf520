#pragma once

#include <cstddef>

#include "common/time.h"

namespace strata::manager::frontend {

inline constexpr size_t kThreadsMax = 64;
inline constexpr size_t kListenMax = 32;  // Endpoints to listen on.

// A request's head may at most be set to this; a client's connection starts with less memory.
inline constexpr size_t kHeaderBytesCeiling = 1024 * 1024;
inline constexpr size_t kReadBytes = 2 * 1024;

// Answers to pipelined requests that wait to be written; then reading pauses.
inline constexpr size_t kAnswerBytesMax = 64 * 1024;

// A connection that ends before its request was read to the end goes on reading for a while, so
// that the client gets the answer and no reset.
inline constexpr size_t kLingerBytesMax = 256 * 1024;
inline constexpr Duration kLingerTimeout = std::chrono::seconds(2);

// How often connections are looked at for deadlines that have passed.
inline constexpr Duration kSweepInterval = std::chrono::milliseconds(250);
// After an accept that failed for lack of something.
inline constexpr Duration kAcceptPause = std::chrono::milliseconds(100);

// Clients with a bucket of their own.
inline constexpr size_t kRateClientsMax = 1 << 18;

// Connections to one engine that wait for the next request, of one thread, and how long.
inline constexpr size_t kIdleEngineConnectionsMax = 64;
inline constexpr Duration kIdleEngineTimeout = std::chrono::seconds(15);
// An engine's answer: its head, and what is in memory of its body.
inline constexpr size_t kEngineHeadBytesMax = 64 * 1024;
inline constexpr size_t kRelayBytes = 64 * 1024;
// Answers of the kind 1xx before the one that counts.
inline constexpr int kInterimAnswersMax = 8;

// Of the time in which other managers are asked, one part in so many is kept for the answer's way:
// what they know at the end of theirs is still of use.
inline constexpr int kLocateReturnShare = 10;

}  // namespace strata::manager::frontend
