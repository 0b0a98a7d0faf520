#pragma once

#include <array>
#include <cstdint>

#include "common/time.h"

namespace strata {

// Where chance comes from. Pure machines take a reference to one in their constructor, so that a
// test or a simulation replays them from a seed. Not thread-safe unless the implementation says so.
class RandomSource {
 public:
  virtual ~RandomSource();

  // 64 uniform bits.
  virtual uint64_t Next() = 0;

  // Uniform in [0, bound), without modulo bias. `bound` must not be 0.
  uint64_t Below(uint64_t bound);
  // True with probability `p`; p <= 0 is never, p >= 1 is always.
  bool Chance(double p);
  // Uniform in [0, 1).
  double Unit();
  // Uniform in [lo, hi], both ends included. `lo` must not be above `hi`.
  Duration Between(Duration lo, Duration hi);
};

// xoshiro256**, filled from one number by splitmix64: fast, good enough for everything except
// secrets, and the same sequence for the same seed on every machine and in every release.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed);

  uint64_t Next() override;

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace strata
