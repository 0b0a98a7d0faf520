#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "common/time.h"

// The limits of the link between child and parent. docs/protocols/federation.md, 3.5.
namespace strata::manager::link {

// The same at both sides, or they refuse each other.
inline constexpr uint32_t kFeedProtocol = 1;

// Who has nothing to say says so as often; who is silent for kSilenceMax is given up.
inline constexpr Duration kAliveEvery = std::chrono::seconds(1);
inline constexpr Duration kSilenceMax = std::chrono::seconds(3);
// So often somebody looks for that, and at the other's certificate.
inline constexpr Duration kLookEvery = std::chrono::milliseconds(200);

// Pings of HTTP/2: a machine that does not answer two of them is away.
inline constexpr Duration kKeepalive = std::chrono::seconds(1);

// How long a child waits before it asks the parent's managers again: at first, and at most.
inline constexpr Duration kRetryFirst = std::chrono::milliseconds(200);
inline constexpr Duration kRetryLast = std::chrono::seconds(2);
// And before it reads again what could not be read.
inline constexpr Duration kReadAgainAfter = std::chrono::seconds(1);

// A backup hears of a holder's number by the mirror of intent, too: as long it waits for it there,
// and so often it looks.
inline constexpr Duration kHolderWait = std::chrono::seconds(1);
inline constexpr Duration kHolderLook = std::chrono::milliseconds(20);

// Children of one parent with a stream at the same time; each takes two threads of the parent.
inline constexpr size_t kChildrenMax = 40;
// A message beside its batch.
inline constexpr size_t kMessageHeadBytesMax = 64 << 10;
// Of what a peer says of itself, for people.
inline constexpr size_t kVersionBytesMax = 64;

}  // namespace strata::manager::link
