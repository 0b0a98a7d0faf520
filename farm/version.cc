#include "farm/version.h"

#include <algorithm>

namespace strata::farm {

uint8_t VersionOf(const Message&) {
  // A kind that is new in a later version is told apart here, with std::holds_alternative, and a
  // field by whether it is set.
  return 1;
}

void VersionGate::OnView(std::span<const uint8_t> told) {
  spoken_ = own_;
  for (const uint8_t version : told) {
    spoken_ = std::min(spoken_, std::max<uint8_t>(version, 1));
  }
}

}  // namespace strata::farm
