#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "service_manager/directory/limits.h"

namespace strata::manager::directory {

// Tells the writer when nobody can still be reading what it took away. The writer takes a thing out
// of the structure, calls Retire() and keeps the number with the thing; the thing may be freed once
// Oldest() is larger. A reader enters with the epoch of that moment, may renew it whenever it holds
// nothing, and leaves.
//
// All is ordered by sequentially consistent accesses: Enter before the reader's loads of pointers,
// the writer's stores of pointers before Oldest. Then either the writer sees the reader, or the
// reader sees what the writer stored.
class ReaderEpochs {
 public:
  struct alignas(64) Place {
    std::atomic<uint64_t> epoch{kResting};
    std::atomic<bool> taken{false};
  };

  ReaderEpochs() : places_(std::make_unique<Place[]>(kReadersMax)) {}

  // A place for one reading thread, or null if all are taken. Any thread.
  Place* Register();
  static void Unregister(Place& place);

  // The reader's, on its place.
  uint64_t current() const { return epoch_.load(std::memory_order_acquire); }
  static void Enter(Place& place, uint64_t epoch) {
    place.epoch.store(epoch, std::memory_order_seq_cst);
  }
  static void Leave(Place& place) { place.epoch.store(kResting, std::memory_order_release); }

  // The writer's.
  uint64_t Retire() { return epoch_.fetch_add(1, std::memory_order_seq_cst); }
  uint64_t Oldest() const;

 private:
  static constexpr uint64_t kResting = UINT64_MAX;

  std::atomic<uint64_t> epoch_{1};
  std::atomic<size_t> places_used_{0};  // No place from there on was ever taken.
  const std::unique_ptr<Place[]> places_;
};

}  // namespace strata::manager::directory
