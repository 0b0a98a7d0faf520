#include "service_manager/frontend/front_end_state.h"

#include <utility>

#include "common/system_random.h"
#include "service_manager/frontend/limits.h"

namespace strata::manager::frontend {
namespace {

constexpr size_t kLimiters = 16;

}  // namespace

FrontEndState::FrontEndState(const FrontEndOptions& options, directory::LocationIndex& index,
                             MetricRegistry& metrics)
    : options_(options), index_(index), counters_(metrics) {
  SetLimit({.rate = options.client_rate, .burst = options.client_burst});
}

void FrontEndState::SetLimit(const RateLimit& limit) {
  if (limit.rate <= 0) {
    limited_ = false;
    return;
  }
  for (const auto& limiter : limiters_) {
    absl::MutexLock lock(&limiter->mu);
    limiter->buckets.SetLimit(limit);
  }
  if (limiters_.empty()) {
    SystemRandom random;
    limiter_seed_ = random.Next();
    for (size_t i = 0; i < kLimiters; ++i) {
      limiters_.push_back(std::make_unique<Limiter>(limit, kRateClientsMax / kLimiters, random));
    }
  }
  limited_.store(true, std::memory_order_release);  // What was made above is seen with it.
}

void FrontEndState::Publish(routing::AnySnapshot snapshot) {
  absl::MutexLock lock(&mu_);
  snapshot_.swap(snapshot);
  version_.fetch_add(1, std::memory_order_release);
}

void FrontEndState::Fetch(routing::AnySnapshot& snapshot, uint64_t& version) const {
  absl::MutexLock lock(&mu_);
  snapshot = snapshot_;
  version = version_.load(std::memory_order_relaxed);
}

bool FrontEndState::OpenOne() {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= options_.connections_max) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  counters_.open.Add(1);
  return true;
}

void FrontEndState::CloseOne() {
  open_.fetch_sub(1, std::memory_order_relaxed);
  counters_.open.Add(-1);
}

Duration FrontEndState::AskRate(const IpAddress& client, Timestamp now) {
  if (!limited_.load(std::memory_order_acquire)) return Duration::zero();
  Limiter& limiter = *limiters_[RateLimiter::HashOf(client, limiter_seed_) % kLimiters];
  absl::MutexLock lock(&limiter.mu);
  return limiter.buckets.Ask(client, now);
}

}  // namespace strata::manager::frontend
