#include "farm/load_factor.h"

namespace strata::farm {
namespace {

// A weighted mean of what is known.
class Mean {
 public:
  void Add(double share, double weight) {
    if (weight <= 0) return;
    sum_ += share * weight;
    weights_ += weight;
  }
  void AddShare(uint64_t used, uint64_t capacity, double weight) {
    if (capacity == 0) return;
    Add(static_cast<double>(used) / static_cast<double>(capacity), weight);
  }
  double value() const { return weights_ == 0 ? 0 : sum_ / weights_; }

 private:
  double sum_ = 0;
  double weights_ = 0;
};

}  // namespace

double LoadFactor(const Row& row, const LoadWeights& weights) {
  if (row.load.sequence == 0) return 0;
  const Capacity& capacity = row.engine.capacity;
  Mean mean;
  mean.AddShare(row.load.bandwidth_out, capacity.bandwidth_out, weights.bandwidth_out);
  mean.AddShare(row.load.bandwidth_in, capacity.bandwidth_in, weights.bandwidth_in);
  mean.AddShare(row.load.storage_used, capacity.storage, weights.storage);
  mean.AddShare(row.load.memory_used, capacity.memory, weights.memory);
  mean.Add(row.load.cpu, weights.cpu);
  for (const auto& [name, weight] : weights.parameters) {
    const auto it = row.load.parameters.find(name);
    if (it != row.load.parameters.end()) mean.Add(it->second, weight);
  }
  return mean.value();
}

}  // namespace strata::farm
