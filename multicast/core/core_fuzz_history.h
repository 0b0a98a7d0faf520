#pragma once

#include <memory>
#include <vector>

#include "multicast/core/core.h"

// For core_fuzz.cc: a member in the middle of a running group, brought there in no time.
namespace strata::multicast::fuzz {

// What one member of a group of three was told until all three were full, in order. Two managers
// and an engine on a perfect LAN; the same for every process.
class History {
 public:
  // Members are 1 (the SM), 2 (a manager) and 3 (an engine).
  static constexpr uint32_t kMembers = 3;
  explicit History(uint32_t member);

  // A core to which all this happened.
  std::unique_ptr<Core> Replay(RandomSource& random) const;
  uint64_t seed() const { return member_; }
  Timestamp end() const { return end_; }

 private:
  struct Step {
    enum class Kind : uint8_t { kPacket, kTimer, kPersisted, kTaken, kEndTurn } kind;
    Timestamp at;
    ReceivedPacket packet;  // Its body points into `bytes`.
    Bytes bytes;
    uint64_t id = 0;
  };
  class Lan;
  static void Tell(Core& core, const Step& step);

  uint32_t member_;
  std::vector<Step> steps_;
  Timestamp end_;
};

CoreSettings SettingsOf(uint32_t member);
SelfDescription SelfOf(uint32_t member);

}  // namespace strata::multicast::fuzz
