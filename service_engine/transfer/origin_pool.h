#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "farm/site.h"
#include "service_engine/transfer/bell.h"

struct ssl_session_st;

namespace strata::engine::transfer {

class OriginConnection;

// Connections to origins that nobody uses just now, for the next request to the same origin; and
// the newest TLS session of each, by which a new connection saves the long handshake. Bounded by
// kOriginIdle… and kOriginSessionsMax. Any thread.
class OriginPool {
 public:
  using Session = std::shared_ptr<ssl_session_st>;

  explicit OriginPool(Gauge& level);
  ~OriginPool();

  // The one used last, if it is not too old and, as far as can be seen from here, still open. Null
  // if there is none. The origin may have closed it all the same.
  std::unique_ptr<OriginConnection> Take(const farm::Origin& origin, SteadyTime now);
  // For one that has nothing of an answer left to read. One that is too many is closed.
  void Keep(const farm::Origin& origin, std::unique_ptr<OriginConnection> connection,
            SteadyTime now);
  // Closes those that were not wanted for kOriginIdle.
  void CloseIdle(SteadyTime now);
  // Closes all. Before their io_context goes.
  void Clear();

  Session SessionOf(const farm::Origin& origin) const;
  void Remember(const farm::Origin& origin, Session session);

 private:
  struct Idle {
    std::unique_ptr<OriginConnection> connection;
    SteadyTime since;
  };

  void Count() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Gauge& level_;
  mutable absl::Mutex mu_;
  // By origin; the one used last is the last.
  absl::flat_hash_map<std::string, std::vector<Idle>> idle_ ABSL_GUARDED_BY(mu_);
  size_t count_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, Session> sessions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata::engine::transfer
