#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::uplink::testing {

// For tests of the index's writers: what they tell, in words. Any thread.
class RecordingObserver final : public DirectoryObserver {
 public:
  void OnChange(const DirectoryChange& change) override {
    absl::MutexLock lock(&mutex_);
    told_.push_back("holder " + std::to_string(change.holder.value()) + ": " +
                    (change.before ? std::to_string(*change.before) : "none") + " to " +
                    (change.copy ? std::to_string(change.copy->flags) : "none") +
                    (change.forgets_uri ? ", forgets the URI" : "") +
                    (change.uri.empty() ? "" : " " + std::string(change.uri)));
    ++mark_;
  }
  void OnUri(const farm::ContentKey&, std::string_view uri) override {
    absl::MutexLock lock(&mutex_);
    told_.push_back("URI " + std::string(uri));
    ++mark_;
  }
  void OnHolder(directory::Holder) override {}
  uint64_t Mark() override {
    absl::MutexLock lock(&mutex_);
    return mark_;
  }
  void OnStored(uint64_t mark, uint64_t batch) override {
    absl::MutexLock lock(&mutex_);
    ++stored_calls_;
    stored_ = mark;
    batch_ = batch;
  }

  // Since it was asked the last time.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(told_, {});
  }
  uint64_t stored_calls() const { return Get(stored_calls_); }
  uint64_t stored() const { return Get(stored_); }
  uint64_t batch() const { return Get(batch_); }

 private:
  uint64_t Get(const uint64_t& value) const {
    absl::MutexLock lock(&mutex_);
    return value;
  }

  mutable absl::Mutex mutex_;
  std::vector<std::string> told_ ABSL_GUARDED_BY(mutex_);
  uint64_t mark_ = 0;
  uint64_t stored_calls_ = 0;
  uint64_t stored_ = 0;
  uint64_t batch_ = 0;
};

}  // namespace strata::manager::uplink::testing
