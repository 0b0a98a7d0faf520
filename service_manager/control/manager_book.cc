#include "service_manager/control/manager_book.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

constexpr char kTable[] = "managers";

}  // namespace

Status ManagerBook::Load() {
  absl::MutexLock order(&order_);
  std::map<std::string, Entry> entries;
  Status status;
  STRATA_RETURN_IF_ERROR(
      store_.VisitTable(kTable, [&](std::string_view name, std::string_view value) {
        strata::manager::store::v1::StoredManager record;
        if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
          status = DataLoss("the store's record of manager %s cannot be read",
                            std::string(name).c_str());
          return false;
        }
        entries[std::string(name)] = {record.id(), record.address()};
        return true;
      }));
  STRATA_RETURN_IF_ERROR(status);
  absl::MutexLock lock(&mutex_);
  entries_ = std::move(entries);
  return Ok();
}

StatusOr<uint32_t> ManagerBook::Enroll(const std::string& name, const std::string& address) {
  {
    // Another write may wait for this very manager to follow.
    absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(name);
    if (it != entries_.end() && it->second.address == address) return it->second.id;
  }
  absl::MutexLock order(&order_);
  Entry entry{1, address};
  {
    absl::MutexLock lock(&mutex_);
    const auto it = entries_.find(name);
    if (it != entries_.end() && it->second.address == address) return it->second.id;
    for (const auto& [other, known] : entries_) entry.id = std::max(entry.id, known.id + 1);
    if (it != entries_.end()) {
      entry.id = it->second.id;
    } else if (entries_.size() >= kManagersMax) {
      return ResourceExhausted("the farm has %zu managers already; remove some first",
                               entries_.size());
    }
  }
  strata::manager::store::v1::StoredManager record;
  record.set_id(entry.id);
  record.set_address(entry.address);
  store::IntentBatch batch;
  batch.puts.push_back({kTable, name, record.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  absl::MutexLock lock(&mutex_);
  entries_[name] = entry;
  return entry.id;
}

Status ManagerBook::Remove(const std::string& name) {
  absl::MutexLock order(&order_);
  STRATA_RETURN_IF_ERROR(Find(name));
  store::IntentBatch batch;
  batch.deletes.push_back({kTable, name});
  STRATA_RETURN_IF_ERROR(store_.Commit(batch));
  absl::MutexLock lock(&mutex_);
  entries_.erase(name);
  return Ok();
}

std::map<std::string, ManagerBook::Entry> ManagerBook::all() const {
  absl::MutexLock lock(&mutex_);
  return entries_;
}

StatusOr<ManagerBook::Entry> ManagerBook::Find(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return NotFound("there is no manager %s", name.c_str());
  return it->second;
}

std::string ManagerBook::NameOf(uint32_t id) const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, entry] : entries_) {
    if (entry.id == id) return name;
  }
  return "";
}

}  // namespace strata::manager::control
