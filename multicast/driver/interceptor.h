#pragma once

#include <cstdint>
#include <memory>

#include "common/bytes.h"
#include "common/random.h"
#include "multicast/driver/socket_set.h"

namespace strata::multicast {

// Stands between the sockets and the protocol and may lose or repeat what arrives: for tests. Any
// number of them can be stacked. Called on the driver's thread.
class Interceptor {
 public:
  enum class Verdict : uint8_t { kPass, kDrop, kDuplicate };

  virtual ~Interceptor();
  virtual Verdict OnDatagram(Channel channel, ByteSpan datagram) = 0;
};

// Drops and duplicates at random, the same way for the same seed.
class LossyLink final : public Interceptor {
 public:
  struct Odds {
    double drop = 0;
    double duplicate = 0;
  };
  LossyLink(Odds odds, uint64_t seed) : odds_(odds), random_(seed) {}

  Verdict OnDatagram(Channel channel, ByteSpan datagram) override;

 private:
  const Odds odds_;
  SeededRandom random_;
};

}  // namespace strata::multicast
