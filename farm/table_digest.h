#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "common/bytes.h"

namespace strata::farm {

// A sum over the items of a set, which changes by one addition when an item comes or goes, and does
// not depend on their order: XXH3 of 128 bits of each item's bytes, added in two lanes modulo 2^64.
// For equality after chance and mistakes; no protection against somebody who forges items.
class TableDigest {
 public:
  TableDigest() = default;  // Of nothing.
  TableDigest(uint64_t high, uint64_t low) : high_(high), low_(low) {}

  void Add(ByteSpan item);
  // An item that was added before.
  void Remove(ByteSpan item);
  // The items of another set too.
  void Add(const TableDigest& other);
  // Items that were added before.
  void Remove(const TableDigest& other);

  uint64_t high() const { return high_; }
  uint64_t low() const { return low_; }
  // 32 hexadecimal digits.
  std::string ToString() const;

  friend auto operator<=>(const TableDigest&, const TableDigest&) = default;

 private:
  uint64_t high_ = 0;
  uint64_t low_ = 0;
};

}  // namespace strata::farm
