#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/address.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::engine::transfer {

using Sha256 = std::array<uint8_t, 32>;

// What to fetch of another engine, at its peers' listener (docs/protocols/agent.md, section 1).
struct PeerFetch {
  Endpoint peer;
  std::string host;        // First host of the site, as it stands in canonical URIs.
  std::string target;      // Path and query of the canonical URI.
  uint64_t bytes_max = 0;  // More is an error.
  Duration stall = std::chrono::seconds(15);  // For connecting, and without a byte.
};

struct PeerBody {
  uint64_t bytes = 0;
  Sha256 sha256{};
  std::string last_modified;  // As it was sent; may be empty.
};

// Fetches it on a connection of its own, on the caller's thread, and hands each piece to `take`,
// whose error ends it. `stopped` is asked several times a second. NotFound: the peer does not have
// it (any more); Unavailable, DeadlineExceeded, DataLoss (it was cut short), ResourceExhausted (too
// long), Aborted (stopped).
StatusOr<PeerBody> FetchFromPeer(const PeerFetch& fetch,
                                 const std::function<Status(ByteSpan)>& take,
                                 const std::function<bool()>& stopped);

}  // namespace strata::engine::transfer
