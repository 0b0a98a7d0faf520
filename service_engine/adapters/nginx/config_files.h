#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "farm/site.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/adapters/nginx/nginx_process.h"
#include "service_engine/core/nginx_config.h"

namespace strata::engine {

// nginx.conf on disk: rendered, tried, put in place as a whole, brought into force. Any thread.
class ConfigFiles {
 public:
  ConfigFiles(const NginxAdapterOptions& options, NginxProcess& process);

  // Makes the folders; FailedPrecondition if temporary files would lie on another disk than the
  // cache.
  Status Prepare() const;
  // With nginx not running.
  Status StartWith(const std::vector<farm::Site>& sites);
  Status Check(const std::vector<farm::Site>& sites);
  Status Apply(const std::vector<farm::Site>& sites);
  // Closed: everybody gets a 503.
  Status SetClosed(bool closed);
  // A library's folder may have come or gone: the same sites again, if that changes anything.
  Status ApplyLibraries();
  // The sites whose libraries nginx serves from. Waits for a change that is being made.
  std::set<std::string> Libraries();

  const NginxConfig& paths() const { return base_; }  // Without sites.

 private:
  // The configuration of the next generation, tried; nothing is in force yet.
  StatusOr<std::string> Rendered(const std::vector<farm::Site>& sites,
                                 const std::set<std::string>& libraries)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Status Try(const std::string& text) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Status ApplyLocked(const std::vector<farm::Site>& sites) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::set<std::string> LibrariesNow() const;

  NginxConfig base_;
  NginxProcess& process_;
  absl::Mutex mu_;  // One change at a time.
  uint64_t generation_ ABSL_GUARDED_BY(mu_);
  std::vector<farm::Site> sites_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> libraries_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_);
  std::string text_ ABSL_GUARDED_BY(mu_);  // In force.
};

}  // namespace strata::engine
