#include "farm/version.h"

#include <algorithm>

namespace strata::farm {

void VersionGate::OnView(std::span<const uint8_t> told) {
  spoken_ = own_;
  for (const uint8_t version : told) {
    spoken_ = std::min(spoken_, std::max<uint8_t>(version, 1));
  }
}

}  // namespace strata::farm
