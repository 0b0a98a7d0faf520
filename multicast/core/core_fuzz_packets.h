#pragma once

#include "common/bytes.h"
#include "multicast/core/core.h"

// For core_fuzz.cc: fuzz bytes become numbers, and numbers packets that nearly make sense.
namespace strata::multicast::fuzz {

// What is left of the fuzzer's bytes; zeros once they are used up.
class Input {
 public:
  explicit Input(ByteSpan bytes) : in_(bytes) {}

  bool empty() const { return in_.remaining() == 0; }
  uint8_t Byte() { return empty() ? uint8_t{0} : in_.U8(); }
  bool Flag() { return (Byte() & 1) != 0; }
  uint8_t Below(uint8_t bound) { return static_cast<uint8_t>(Byte() % bound); }
  // Most of the time close to `center`, else an end of the range, or anything.
  uint64_t Near(uint64_t center);
  // At most `max` of the next bytes.
  ByteSpan Some(uint8_t max);

 private:
  ByteReader in_;
};

// A body of `type` for `core`, from a member in `from`: fields around the values that matter to
// that core now, some of them absurd. Empty if the fields are beyond what can be encoded.
Bytes MakeBody(PacketType type, Slot from, const Core& core, Input& in);

// Whether the body decodes; the packet types of this version only.
bool IsWellFormed(PacketType type, ByteSpan body);

}  // namespace strata::multicast::fuzz
