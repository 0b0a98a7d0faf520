#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"

namespace strata {

// How a process is: 200 and "ok", or 503 and the reason; behind it, a line each, what else is to be
// known, as "name: value".
struct HealthReport {
  HealthReport(Status what) : status(std::move(what)) {}  // NOLINT: a status is a report.

  Status status;
  std::vector<std::pair<std::string, std::string>> facts = {};
};

// A small HTTP server with a thread of its own, for those who watch a process: /metrics in
// Prometheus' text format, and /healthz with a HealthReport.
class StatusServer {
 public:
  // Called for /healthz on the server's thread.
  using Health = std::function<HealthReport()>;

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
