#pragma once

#include <map>
#include <optional>
#include <vector>

#include "multicast/wire/packets.h"

namespace strata::multicast {

// Puts fragmented control bodies together (spec, section 4.12): one body at a time per sender, at
// most kMaxSenders senders. One per core.
class FragmentJoiner {
 public:
  static constexpr size_t kMaxSenders = 128;

  struct Joined {
    PacketType type;
    Bytes body;
  };
  // The whole body once its last fragment arrived.
  std::optional<Joined> OnFragment(MemberId sender, const Incarnation& incarnation,
                                   const Fragment& fragment);

 private:
  struct Partial {
    Incarnation incarnation;
    uint8_t type = 0;
    uint32_t body_id = 0;
    size_t bytes = 0;
    size_t missing = 0;
    std::vector<Bytes> pieces;
    std::vector<bool> have;
  };
  std::map<MemberId, Partial> partial_;
};

}  // namespace strata::multicast
