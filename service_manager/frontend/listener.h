#pragma once

#include <cstdint>
#include <utility>

#include "common/address.h"
#include "common/status.h"
#include "common/unique_fd.h"

namespace strata::manager::frontend {

// A TCP socket that listens; several may share one endpoint, and the kernel spreads connections
// over them. Owns its descriptor.
class Listener {
 public:
  // Whether an address that this machine does not have at the moment is taken, too.
  enum class Address : uint8_t { kOwn, kFloating };

  // Unavailable, naming the endpoint, if that cannot be.
  static StatusOr<Listener> Open(const Endpoint& endpoint, Address address = Address::kOwn);
  ~Listener();
  Listener(Listener&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), endpoint_(other.endpoint_) {}
  Listener& operator=(Listener&&) = delete;

  // With the port that was taken, if port 0 was asked for.
  const Endpoint& endpoint() const { return endpoint_; }

  // Another descriptor of the same socket.
  StatusOr<UniqueFd> Duplicate() const;
  // Hands the descriptor over.
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  explicit Listener(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  Endpoint endpoint_;
};

// A deaf listener takes no new connection, and refuses none: nothing answers. Those that began go
// on. Unavailable: the system does not let it be so.
Status SetListenerDeaf(int descriptor, bool deaf);

}  // namespace strata::manager::frontend
