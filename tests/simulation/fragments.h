#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "multicast/wire/types.h"
#include "tests/simulation/packet.h"

namespace strata::simulation {

// Joins FRAGMENT packets, so that observers see a large VIEW or REPORT as one packet at the moment
// at which its last fragment was sent or handed over.
class FragmentJoiner {
 public:
  // The whole packet if `fragment` completed one; else null.
  PacketPtr Add(const Packet& fragment);

 private:
  using Key = std::tuple<multicast::MemberId, multicast::Incarnation, uint8_t, uint32_t>;
  struct Body {
    std::vector<Bytes> pieces;
    size_t missing = 0;
  };
  std::map<Key, Body> bodies_;
};

}  // namespace strata::simulation
