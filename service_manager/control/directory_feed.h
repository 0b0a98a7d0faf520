#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "farm/state_table.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

// Changes that wait to be stored. What comes beyond is not stored: the index is right all the same,
// and after a restart the engines' inventories make up for it.
inline constexpr size_t kUnstoredMax = 4'000'000;
// Changes that are written together: an administrator's commit, which lies in the same log, and
// other programs' files get their turn in between.
inline constexpr size_t kStoredAtOnceMax = 10'000;

// Brings what the farm's state table says of copies into the directory: into the index at once,
// into the store on a thread of its own, many changes in a write. It is the index's only writer.
class DirectoryFeed final : public farm::CopyObserver {
 public:
  DirectoryFeed(directory::LocationIndex& index, store::Store& store, MetricRegistry& metrics);
  ~DirectoryFeed() override;  // Stores what waits.

  // ---- While the table is locked, by whatever thread has it.
  void OnCopy(farm::EngineId engine, const farm::ContentKey& key,
              const farm::Asset* asset) override;
  // All copies of the table, after it was replaced.
  void AddAll(const farm::StateTable& table);

  // Takes out of the index and the store what `engine` does not hold any more: what was there from
  // the store, or before a snapshot. Calls `with_table` again and again with a step that it has to
  // run while the table is locked. Not for two threads at once.
  using Step = std::function<void(const farm::StateTable&)>;
  uint64_t Reconcile(farm::EngineId engine, const std::function<void(const Step&)>& with_table);

  // Texts of canonical URIs, for people.
  void AddUri(const farm::ContentKey& key, std::string uri);

  // What the store said when a write failed; ok as long as none has.
  Status store_status() const;
  // Waits until everything so far is in the store.
  void Flush();

 private:
  // The newest state of a location, to be stored; nothing: it is gone.
  void Queue(farm::EngineId engine, const farm::ContentKey& key,
             std::optional<store::StoredLocation> location);
  void StoreLoop();
  bool Full() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);

  directory::LocationIndex& index_;
  store::Store& store_;
  Counter& unstored_;
  Counter& too_many_;
  absl::Mutex index_mutex_;  // One writer at a time. After the table's, before queue_mutex_.

  mutable absl::Mutex queue_mutex_;
  struct Waiting {
    absl::flat_hash_map<std::pair<farm::ContentKey, uint32_t>, std::optional<store::StoredLocation>>
        locations;  // By content and holder.
    std::vector<store::LocationBatch::Uri> uris;

    size_t size() const { return locations.size() + uris.size(); }
  };
  Status StoreLocations(Waiting& waiting);
  Status StoreUris(Waiting& waiting);
  Waiting queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool storing_ ABSL_GUARDED_BY(queue_mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(queue_mutex_) = false;
  Status status_ ABSL_GUARDED_BY(queue_mutex_);
  std::thread storer_;
};

}  // namespace strata::manager::control
