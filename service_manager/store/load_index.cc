#include "service_manager/store/load_index.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strata::manager::store {
namespace {

constexpr size_t kBatch = 4096;
constexpr size_t kBatchesMax = 16;

// Batches on their way from the thread that reads to the one that fills.
class Batches {
 public:
  using Batch = std::vector<RecordHead>;

  void Put(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return batches_.size() < kBatchesMax; });
    batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // Empty at the end.
  Batch Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !batches_.empty(); });
    if (batches_.empty()) return {};
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool closed_ = false;
};

Status ReadAll(Store& store, Batches& batches) {
  Batches::Batch batch;
  const Status read = store.VisitLocations(0, UINT8_MAX, [&](const RecordHead& head) {
    batch.push_back(head);
    if (batch.size() < kBatch) return;
    batches.Put(std::exchange(batch, {}));
    batch.reserve(kBatch);
  });
  if (!batch.empty()) batches.Put(std::move(batch));
  batches.Close();
  return read;
}

}  // namespace

StatusOr<LoadedIndex> LoadIndex(Store& store, directory::LocationIndex& index,
                                absl::FunctionRef<bool(directory::Holder)> is_known) {
  Batches batches;
  Status read;
  Status written;
  std::thread reader([&] { read = ReadAll(store, batches); });
  LoadedIndex loaded;
  for (Batches::Batch batch = batches.Take(); !batch.empty(); batch = batches.Take()) {
    LocationBatch orphans;
    for (const RecordHead& head : batch) {
      if (!is_known(head.location.holder)) {
        orphans.gone.push_back({head.key, head.location.holder});
        continue;
      }
      const bool refused = index.Add(head.key, head.location) == directory::AddResult::kTooMany;
      ++(refused ? loaded.refused : loaded.locations);
    }
    loaded.orphans += orphans.gone.size();
    if (!orphans.gone.empty() && written.ok()) written = store.Apply(orphans).status();
  }
  reader.join();
  STRATA_RETURN_IF_ERROR(read);
  STRATA_RETURN_IF_ERROR(written);
  return loaded;
}

StatusOr<LoadedIndex> LoadIndex(Store& store, directory::LocationIndex& index) {
  return LoadIndex(store, index, [](directory::Holder) { return true; });
}

}  // namespace strata::manager::store
