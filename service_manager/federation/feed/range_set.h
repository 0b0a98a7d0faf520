#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "service_manager/directory/limits.h"

namespace strata::manager::federation {

// Some of the ranges of keys. Half a KiB.
class RangeSet {
 public:
  // False if it was there.
  bool Insert(uint32_t range) {
    uint64_t& word = words_[range / 64];
    const uint64_t bit = uint64_t{1} << (range % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    ++size_;
    return true;
  }
  void Erase(uint32_t range) {
    uint64_t& word = words_[range / 64];
    const uint64_t bit = uint64_t{1} << (range % 64);
    if ((word & bit) == 0) return;
    word &= ~bit;
    --size_;
  }
  bool Contains(uint32_t range) const { return (words_[range / 64] >> (range % 64) & 1) != 0; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The first one from `range` on, and after the last the first of all.
  std::optional<uint32_t> NextFrom(uint32_t range) const {
    if (empty()) return std::nullopt;
    const uint32_t start = range / 64 % words_.size();
    uint64_t word = words_[start] & UINT64_MAX << (range % 64);
    for (uint32_t i = start;; word = words_[i]) {
      if (word != 0) return i * 64 + static_cast<uint32_t>(std::countr_zero(word));
      i = (i + 1) % words_.size();
    }
  }

 private:
  std::array<uint64_t, directory::kRanges / 64> words_{};
  size_t size_ = 0;
};

}  // namespace strata::manager::federation
