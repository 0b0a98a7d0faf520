#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/time.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/frontend/counters.h"
#include "service_manager/frontend/front_end.h"
#include "service_manager/frontend/rate_limiter.h"
#include "service_manager/routing/any_router.h"

namespace strata::manager::frontend {

// What the threads of a front end share. Any thread.
class FrontEndState {
 public:
  FrontEndState(const FrontEndOptions& options, directory::LocationIndex& index,
                MetricRegistry& metrics);

  const FrontEndOptions& options() const { return options_; }
  directory::LocationIndex& index() { return index_; }
  Counters& counters() { return counters_; }

  void Publish(routing::AnySnapshot snapshot);
  // Brings a thread's own copy up to date; waits for nobody unless there is something new.
  void Refresh(routing::AnySnapshot& snapshot, uint64_t& version) const {
    if (version_.load(std::memory_order_acquire) != version) [[unlikely]]
      Fetch(snapshot, version);
  }

  // False if there are too many; else CloseOne has to follow.
  bool OpenOne();
  void CloseOne();

  // While it is set, each connection ends after its next answer.
  void SetLastRequests(bool last) { last_requests_.store(last, std::memory_order_relaxed); }
  bool last_requests() const { return last_requests_.load(std::memory_order_relaxed); }

  // Rate 0: no limit. One thread at a time; counts for requests that come from now on.
  void SetLimit(const RateLimit& limit);
  // Zero if a request of that client may pass.
  Duration AskRate(const IpAddress& client, Timestamp now);

 private:
  // The clients of one hash of a few.
  struct Limiter {
    Limiter(const RateLimit& limit, size_t clients_max, RandomSource& random)
        : buckets(limit, clients_max, random) {}

    absl::Mutex mu;
    RateLimiter buckets ABSL_GUARDED_BY(mu);
  };

  void Fetch(routing::AnySnapshot& snapshot, uint64_t& version) const;

  const FrontEndOptions options_;
  directory::LocationIndex& index_;
  Counters counters_;
  std::atomic<size_t> open_{0};
  std::atomic<bool> last_requests_{false};
  uint64_t limiter_seed_ = 0;
  std::vector<std::unique_ptr<Limiter>> limiters_;  // Made when there is a limit first.
  std::atomic<bool> limited_{false};                // True: there are limiters, and they count.

  std::atomic<uint64_t> version_{0};
  mutable absl::Mutex mu_;
  routing::AnySnapshot snapshot_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::manager::frontend
