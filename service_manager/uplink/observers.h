#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::uplink {

// Several observers of one writer, where it takes one: the link to the parent and one for each
// backup hear the same. They come and go while the writer goes on; each hears as if it was alone.
//
// Any thread.
class Observers final : public DirectoryObserver {
 public:
  // Has somebody tell an observer, or nobody (null), as Uplink::Options::observe.
  using Observe = std::function<void(DirectoryObserver*)>;

  // `writer` is observed while there is an observer. It outlives this, and this its slots.
  explicit Observers(Observe writer) : writer_(std::move(writer)) {}
  ~Observers() override;

  // A place for one observer, which may go and come again. When its function returns the observer
  // of before is not told anything any more.
  Observe Slot();

  void OnChange(const DirectoryChange& change) override;
  void OnUri(const farm::ContentKey& key, std::string_view uri) override;
  void OnHolder(directory::Holder holder) override;
  uint64_t Mark() override;
  void OnStored(uint64_t mark, uint64_t batch) override;

 private:
  // What the observers that were there answered to one Mark(), by their coming.
  using Marks = std::map<uint64_t, uint64_t>;

  void Set(uint64_t slot, DirectoryObserver* observer);

  const Observe writer_;
  absl::Mutex order_ ABSL_ACQUIRED_BEFORE(mutex_);  // Held while the writer is told of this.
  // Not held while the writer is called: it calls back under its own lock.
  absl::Mutex mutex_;
  uint64_t slots_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t came_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, uint64_t> in_slots_ ABSL_GUARDED_BY(mutex_);             // Slot: coming.
  std::map<uint64_t, DirectoryObserver*> observers_ ABSL_GUARDED_BY(mutex_);  // By their coming.
  uint64_t marks_given_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Marks> marks_ ABSL_GUARDED_BY(mutex_);  // That are not stored yet.
};

}  // namespace strata::manager::uplink
