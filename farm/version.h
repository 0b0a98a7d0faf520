#pragma once

#include <cstdint>
#include <span>

#include "farm/messages.h"

namespace strata::farm {

// In which version the members of a farm speak: docs/protocols/versions.md. Each tells the highest
// version that its program speaks, in the view; all speak the lowest of these, until the last one
// is upgraded. A kind of message, or a field, that came with a later version is held back until
// then.
inline constexpr uint8_t kFarmVersion = kMessageVersion;  // The highest of this program.

// What may be said in the present view. Pure; one thread.
class VersionGate {
 public:
  explicit VersionGate(uint8_t own = kFarmVersion) : own_(own), spoken_(own) {}

  // `told`: what each member of the view told, learners included; 0: a program that did not tell
  // yet, which speaks version 1. An empty view: nobody is there to be understood by.
  void OnView(std::span<const uint8_t> told);

  uint8_t own() const { return own_; }
  uint8_t spoken() const { return spoken_; }  // From 1 to own().
  // Whether everybody understands what came with the version `since`.
  bool MaySay(uint8_t since) const { return since <= spoken_; }

 private:
  uint8_t own_;
  uint8_t spoken_;
};

}  // namespace strata::farm
