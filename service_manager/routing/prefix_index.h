#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"

namespace strata::manager::routing {

// A prefix of addresses of one family as numbers, and what it stands for.
template <class Number>
struct NumberedPrefix {
  Number first{};
  uint8_t length = 0;
  uint16_t value = 0;
  uint32_t line = 0;  // Where it was told.
};

// Finds the value of the longest prefix that contains an address: prefixes are cut once into
// intervals that do not overlap, and those are searched by halves. 6 bytes an interval for IPv4, 18
// for IPv6, at most two intervals a prefix. Immutable.
template <class Number>
class PrefixIndex {
 public:
  PrefixIndex() = default;
  // In any order, each once (FindTwice). Bits behind a prefix are zero.
  explicit PrefixIndex(std::vector<NumberedPrefix<Number>> prefixes);

  // Two of `prefixes` that are the same one, and sorts them; none if there are none.
  using Pair = std::pair<NumberedPrefix<Number>, NumberedPrefix<Number>>;
  static std::optional<Pair> FindTwice(std::vector<NumberedPrefix<Number>>& prefixes);

  // 0 if no prefix contains it.
  uint16_t Find(Number address) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), address);
    return after == starts_.begin() ? 0 : values_[static_cast<size_t>(after - starts_.begin()) - 1];
  }

  size_t size() const { return prefixes_; }

 private:
  static constexpr unsigned kBits = sizeof(Number) * 8;
  using Prefix = NumberedPrefix<Number>;

  static bool Before(const Prefix& a, const Prefix& b) {
    return a.first != b.first ? a.first < b.first : a.length < b.length;
  }
  static Number LastOf(const Prefix& prefix) {
    const Number all = std::numeric_limits<Number>::max();
    return prefix.length == kBits ? prefix.first : prefix.first | (all >> prefix.length);
  }
  // From `start` on it is `value`.
  void Cut(Number start, uint16_t value);
  // Ends the open prefixes that end before `first`, all of them without it.
  void Close(std::vector<Prefix>& open, std::optional<Number> first);

  size_t prefixes_ = 0;
  std::vector<Number> starts_;    // Rising.
  std::vector<uint16_t> values_;  // From there to the next start.
};

template <class Number>
PrefixIndex<Number>::PrefixIndex(std::vector<Prefix> prefixes) : prefixes_(prefixes.size()) {
  std::sort(prefixes.begin(), prefixes.end(), Before);
  std::vector<Prefix> open;  // Each contains the next.
  for (const Prefix& prefix : prefixes) {
    Close(open, prefix.first);
    Cut(prefix.first, prefix.value);
    open.push_back(prefix);
  }
  Close(open, std::nullopt);
  starts_.shrink_to_fit();
  values_.shrink_to_fit();
}

template <class Number>
void PrefixIndex<Number>::Close(std::vector<Prefix>& open, std::optional<Number> first) {
  while (!open.empty()) {
    const Number last = LastOf(open.back());
    if (first && last >= *first) return;
    open.pop_back();
    if (last == std::numeric_limits<Number>::max()) continue;
    Cut(last + 1, open.empty() ? 0 : open.back().value);
  }
}

template <class Number>
void PrefixIndex<Number>::Cut(Number start, uint16_t value) {
  if (!starts_.empty() && starts_.back() == start) {
    values_.back() = value;
    return;
  }
  if (!values_.empty() && values_.back() == value) return;
  starts_.push_back(start);
  values_.push_back(value);
}

template <class Number>
auto PrefixIndex<Number>::FindTwice(std::vector<Prefix>& prefixes) -> std::optional<Pair> {
  std::stable_sort(prefixes.begin(), prefixes.end(), Before);
  const auto twice = std::adjacent_find(
      prefixes.begin(), prefixes.end(),
      [](const Prefix& a, const Prefix& b) { return a.first == b.first && a.length == b.length; });
  if (twice == prefixes.end()) return std::nullopt;
  return Pair(*twice, *(twice + 1));
}

}  // namespace strata::manager::routing
