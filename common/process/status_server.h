#pragma once

#include <functional>
#include <memory>

#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"

namespace strata {

// A small HTTP server with a thread of its own, for those who watch a process: /metrics in
// Prometheus' text format, and /healthz, which answers 200 "ok" or 503 with the reason.
class StatusServer {
 public:
  // Called for /healthz on the server's thread.
  using Health = std::function<Status()>;

  // Unavailable, naming the address, if it cannot listen there. Port 0 takes a free one.
  static StatusOr<std::unique_ptr<StatusServer>> Start(const Endpoint& listen,
                                                       const MetricRegistry& metrics,
                                                       Health health);
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  Endpoint endpoint() const;

 private:
  class Impl;
  explicit StatusServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
