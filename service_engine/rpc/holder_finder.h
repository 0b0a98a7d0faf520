#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "farm/content_key.h"
#include "farm/engine.h"

namespace strata::engine::rpc {

// Asks the farm's manager who holds a content (proto/manager.proto, FindHolders): for a light
// engine, which does not know it by itself. Equal questions at one time are one call; after a call
// that failed it refuses for a second, so that a farm without its manager does not make every miss
// wait. Any thread.
class HolderFinder {
 public:
  struct Limits {
    Duration call = std::chrono::milliseconds(300);
    Duration rest = std::chrono::seconds(1);  // After a call that failed.
    size_t questions_max = 1000;              // At one time.
    size_t askers_max = 10'000;               // Of all of them.
  };

  HolderFinder(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls,
               const Limits& limits, MetricRegistry& metrics);
  ~HolderFinder();  // As Stop.

  // Calls `done` once: at once, or on a thread of its own, so be quick. Unavailable if nobody can
  // be asked.
  using Done = std::function<void(const StatusOr<std::vector<farm::EngineId>>&)>;
  void Find(const farm::ContentKey& key, Done done);
  // These, HOST:PORT, are managers too; as farm::rpc::LearnManagers.
  void Learn(const std::vector<std::string>& managers);
  // Ends all questions, and refuses those that come. After it no `done` is called.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::engine::rpc
