#include "service_manager/directory/reader_epochs.h"

#include <algorithm>

namespace strata::manager::directory {

ReaderEpochs::Place* ReaderEpochs::Register() {
  for (size_t i = 0; i < kReadersMax; ++i) {
    bool taken = false;
    if (!places_[i].taken.compare_exchange_strong(taken, true, std::memory_order_seq_cst)) continue;
    size_t used = places_used_.load(std::memory_order_seq_cst);
    while (used <= i && !places_used_.compare_exchange_weak(used, i + 1)) {
    }
    return &places_[i];
  }
  return nullptr;
}

void ReaderEpochs::Unregister(Place& place) {
  Leave(place);
  place.taken.store(false, std::memory_order_release);
}

uint64_t ReaderEpochs::Oldest() const {
  uint64_t oldest = epoch_.load(std::memory_order_relaxed);
  const size_t used = places_used_.load(std::memory_order_seq_cst);
  for (size_t i = 0; i < used; ++i) {
    oldest = std::min(oldest, places_[i].epoch.load(std::memory_order_seq_cst));
  }
  return oldest;
}

}  // namespace strata::manager::directory
