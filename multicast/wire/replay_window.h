#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace strata::multicast {

// Which of the last kReplayWindow packet counters of one incarnation were seen. A plain value.
class ReplayWindow {
 public:
  static constexpr size_t kSize = 4096;

  // False for a counter that was seen, is below the window, or is 0, which no packet bears.
  bool IsNew(uint64_t counter) const {
    if (counter > highest_) return true;
    if (counter == 0 || highest_ - counter >= kSize) return false;
    return !seen_[counter % kSize];
  }

  // Marks a new counter. A jump costs one step for each counter skipped, at most kSize.
  void Mark(uint64_t counter) {
    if (counter > highest_) {
      if (counter - highest_ >= kSize) {
        seen_.reset();
      } else {
        for (uint64_t skipped = highest_ + 1; skipped < counter; ++skipped) {
          seen_.reset(skipped % kSize);
        }
      }
      highest_ = counter;
    }
    seen_.set(counter % kSize);
  }

 private:
  uint64_t highest_ = 0;
  std::bitset<kSize> seen_;  // By counter modulo kSize.
};

}  // namespace strata::multicast
