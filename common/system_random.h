#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/random.h"

namespace strata {

// Random bits from the operating system, fit for keys, incarnations and other things that nobody
// may guess. A block is drawn at a time and each word is wiped as it is handed out. The process
// ends if the system refuses: continuing with guessable bits would be worse.
//
// One object belongs to one thread. A fork copies what is in the block: make one after the fork.
class SystemRandom final : public RandomSource {
 public:
  uint64_t Next() override;

 private:
  std::array<uint64_t, 32> block_{};
  size_t left_ = 0;
};

}  // namespace strata
