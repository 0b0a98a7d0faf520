#include "common/random.h"

#include <bit>
#include <limits>

#include "common/check.h"

namespace strata {
namespace {

uint64_t SplitMix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

RandomSource::~RandomSource() = default;

uint64_t RandomSource::Below(uint64_t bound) {
  STRATA_CHECK(bound > 0);
  // Lemire's multiplication: the high half of a 128-bit product is the result, and the few low
  // halves that would favour some results are drawn again.
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{Next()} * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t biased_below = (0 - bound) % bound;
    while (static_cast<uint64_t>(product) < biased_below) product = Wide{Next()} * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

bool RandomSource::Chance(double p) { return Unit() < p; }

double RandomSource::Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

Duration RandomSource::Between(Duration lo, Duration hi) {
  STRATA_CHECK(lo <= hi);
  // Unsigned arithmetic: the way from the least to the greatest Duration does not fit a Duration.
  const uint64_t base = static_cast<uint64_t>(lo.count());
  const uint64_t width = static_cast<uint64_t>(hi.count()) - base;
  const bool whole_range = width == std::numeric_limits<uint64_t>::max();
  const uint64_t offset = whole_range ? Next() : Below(width + 1);
  return Duration(static_cast<int64_t>(base + offset));
}

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) word = SplitMix64(seed);
}

uint64_t SeededRandom::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace strata
