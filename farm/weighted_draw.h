#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace strata::farm {

// How requests are spread over those that are equally good: docs/protocols/farm.md, section 5, and
// 0009 in docs/decisions. Pure; any thread.

// Of its capacity, what a load factor leaves. Who has nothing left still counts a little.
constexpr double FreeShare(double load_factor) { return std::max(0.01, 1 - load_factor); }

// Makes of `weights`, which are above 0, the chances in proportion to them, with the sum 1, and
// tells the place that `draw` falls into: its upper 53 bits as a number from 0 to below 1. There is
// one weight at least.
size_t DrawByWeight(std::span<double> weights, uint64_t draw);

}  // namespace strata::farm
