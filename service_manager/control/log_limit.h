#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// How many records may be appended to a log before its length is looked at again.
inline constexpr size_t kLogLookEvery = 1000;

// Keeps logs of the store from growing without end: all intent has to fit into a copy for another
// manager, and into a backup. Any thread.
class LogLimit {
 public:
  // `kept`: of each log, at least.
  LogLimit(store::Store& store, size_t kept) : store_(store), kept_(kept) {}

  // To be called for each batch that appends to `log`, before it is committed: now and then adds to
  // it that the oldest records go. Reads the whole log then.
  Status Trim(const std::string& log, store::IntentBatch& batch);

 private:
  bool IsToLook(const std::string& log);

  store::Store& store_;
  const size_t kept_;
  absl::Mutex mutex_;
  std::map<std::string, size_t> appended_ ABSL_GUARDED_BY(mutex_);  // Since the last look.
};

}  // namespace strata::manager::control
