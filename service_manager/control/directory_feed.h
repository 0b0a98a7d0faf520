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
#include "service_manager/uplink/directory_observer.h"

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
  void OnCopy(farm::EngineId engine, const farm::ContentKey& key, const farm::Asset* asset,
              bool as_before) override;
  // All copies of the table, after it was replaced. What the index has like that counts as told
  // anew.
  void AddAll(const farm::StateTable& table);

  // Takes out of the index and the store what `engine` does not hold any more: what was there from
  // the store, or before a snapshot. Calls `with_table` again and again with a step that it has to
  // run while the table is locked. Not for two threads at once.
  using Step = std::function<void(const farm::StateTable&)>;
  uint64_t Reconcile(farm::EngineId engine, const std::function<void(const Step&)>& with_table);

  // Texts of canonical URIs, for people.
  void AddUri(const farm::ContentKey& key, std::string uri);

  // From now on `observer`, which outlives that, hears of what changes in the index and will be
  // stored, until it is another; null: nobody. When this returns, nobody else is being told.
  void SetObserver(uplink::DirectoryObserver* observer);

  // What the store said when a write failed; ok as long as none has.
  Status store_status() const;
  // Waits until everything so far is in the store.
  void Flush();

 private:
  // The newest state of a location, to be stored, and whether it is another than before: then the
  // observer hears of it.
  struct Change {
    uplink::DirectoryChange told;
    bool is_news = false;
  };
  void Queue(const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(index_mutex_);
  void StoreLoop();
  bool Full() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_mutex_);

  directory::LocationIndex& index_;
  store::Store& store_;
  Counter& unstored_;
  Counter& too_many_;
  // One writer at a time. After the table's, before queue_mutex_.
  absl::Mutex index_mutex_ ABSL_ACQUIRED_BEFORE(queue_mutex_);

  mutable absl::Mutex queue_mutex_;
  struct Waiting {
    absl::flat_hash_map<std::pair<farm::ContentKey, uint32_t>, std::optional<store::StoredLocation>>
        locations;  // By content and holder.
    std::vector<store::LocationBatch::Uri> uris;

    size_t size() const { return locations.size() + uris.size(); }
  };
  // Who is to hear that what was taken to be stored is stored, and the mark behind it.
  struct Told {
    uint64_t observers = 0;
    uint64_t mark = 0;
  };
  // False: it is over.
  bool Take(Waiting& waiting, Told& told);
  void OnStored(const Told& told, const StatusOr<uint64_t>& stored);
  // The last batch of the store that has something of it.
  StatusOr<uint64_t> StoreAll(Waiting& waiting);
  Status StoreLocations(Waiting& waiting);
  Status StoreUris(Waiting& waiting);
  Waiting queue_ ABSL_GUARDED_BY(queue_mutex_);
  bool storing_ ABSL_GUARDED_BY(queue_mutex_) = false;
  uplink::DirectoryObserver* observer_ ABSL_GUARDED_BY(queue_mutex_) = nullptr;
  uint64_t observers_ ABSL_GUARDED_BY(queue_mutex_) = 0;        // So far.
  bool observer_is_new_ ABSL_GUARDED_BY(queue_mutex_) = false;  // It has to hear of the next set.
  bool stop_ ABSL_GUARDED_BY(queue_mutex_) = false;
  Status status_ ABSL_GUARDED_BY(queue_mutex_);
  std::thread storer_;
};

}  // namespace strata::manager::control
