#include "service_manager/uplink/observers.h"

#include <iterator>

#include "common/check.h"

namespace strata::manager::uplink {

Observers::~Observers() {
  absl::MutexLock lock(&mutex_);
  STRATA_CHECK(observers_.empty());
}

Observers::Observe Observers::Slot() {
  absl::MutexLock lock(&mutex_);
  return [this, slot = ++slots_](DirectoryObserver* observer) { Set(slot, observer); };
}

void Observers::Set(uint64_t slot, DirectoryObserver* observer) {
  absl::MutexLock order(&order_);
  bool any = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto before = in_slots_.find(slot);
    if (before != in_slots_.end()) {
      observers_.erase(before->second);
      in_slots_.erase(before);
    }
    if (observer != nullptr) {
      in_slots_[slot] = ++came_;
      observers_[came_] = observer;
    }
    any = !observers_.empty();
  }
  // Anew for each that comes: so it hears soon what the store has.
  if (!any || observer != nullptr) writer_(any ? this : nullptr);
}

void Observers::OnChange(const DirectoryChange& change) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, observer] : observers_) observer->OnChange(change);
}

void Observers::OnUri(const farm::ContentKey& key, std::string_view uri) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, observer] : observers_) observer->OnUri(key, uri);
}

void Observers::OnHolder(directory::Holder holder) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [_, observer] : observers_) observer->OnHolder(holder);
}

uint64_t Observers::Mark() {
  absl::MutexLock lock(&mutex_);
  Marks& marks = marks_[++marks_given_];
  for (const auto& [coming, observer] : observers_) marks[coming] = observer->Mark();
  return marks_given_;
}

void Observers::OnStored(uint64_t mark, uint64_t batch) {
  absl::MutexLock lock(&mutex_);
  const auto behind = marks_.upper_bound(mark);
  if (behind == marks_.begin()) return;
  for (const auto& [coming, own_mark] : std::prev(behind)->second) {
    const auto observer = observers_.find(coming);
    if (observer != observers_.end()) observer->second->OnStored(own_mark, batch);
  }
  marks_.erase(marks_.begin(), behind);
}

}  // namespace strata::manager::uplink
