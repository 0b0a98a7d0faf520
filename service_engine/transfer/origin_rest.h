#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"
#include "farm/site.h"
#include "service_engine/transfer/bell.h"

namespace strata::engine::transfer {

// Remembers which origins could not be reached, or were silent, a moment ago, so that not every
// fetch waits for them first. Any thread.
class OriginRest {
 public:
  void OnFailure(const farm::Origin& origin, SteadyTime now);
  void OnSuccess(const farm::Origin& origin);
  // Whether all origins of a site rest.
  bool AllRest(const farm::Site& site, SteadyTime now) const;
  // The origins of a site in the order in which to ask them: those that rest come last.
  std::vector<farm::Origin> Order(const farm::Site& site, SteadyTime now) const;

 private:
  bool Rests(const farm::Origin& origin, SteadyTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  absl::flat_hash_map<std::string, SteadyTime> until_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::engine::transfer
