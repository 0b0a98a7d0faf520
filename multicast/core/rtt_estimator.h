#pragma once

#include <algorithm>
#include <cstdlib>

#include "common/time.h"

namespace strata::multicast {

// Turns measured round trips into the repair timer (spec, section 5): smoothed as in RFC 6298, four
// times the smoothed value plus the variance, between two bounds. Owned by the transfer session.
class RttEstimator {
 public:
  struct Bounds {
    Duration initial;
    Duration min;
    Duration max;
  };
  explicit RttEstimator(const Bounds& bounds) : bounds_(bounds) {}

  // A sample that is certainly one round trip: not of a repeated request.
  void Add(Duration sample) {
    if (sample < Duration::zero()) return;
    if (!measured_) {
      smoothed_ = sample;
      variance_ = sample / 2;
      measured_ = true;
      return;
    }
    const Duration error = sample - smoothed_;
    variance_ += ((error < Duration::zero() ? -error : error) - variance_) / 4;
    smoothed_ += error / 8;
  }

  Duration repair_timer() const {
    if (!measured_) return bounds_.initial;
    return std::clamp(4 * smoothed_ + variance_, bounds_.min, bounds_.max);
  }
  // Zero until measured.
  Duration smoothed() const { return smoothed_; }

 private:
  Bounds bounds_;
  bool measured_ = false;
  Duration smoothed_{};
  Duration variance_{};
};

}  // namespace strata::multicast
