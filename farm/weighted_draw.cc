#include "farm/weighted_draw.h"

#include <numeric>

namespace strata::farm {

size_t DrawByWeight(std::span<double> weights, uint64_t draw) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  double at = static_cast<double>(draw >> 11) * 0x1p-53;  // From 0 to below 1.
  size_t drawn = weights.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] /= sum;
    if (drawn == weights.size() && at < weights[i]) drawn = i;
    at -= weights[i];
  }
  return drawn == weights.size() ? weights.size() - 1 : drawn;  // Rounding.
}

}  // namespace strata::farm
