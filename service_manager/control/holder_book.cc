#include "service_manager/control/holder_book.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/bytes.h"
#include "common/hex.h"
#include "common/number.h"
#include "common/tls/identity.h"
#include "proto/manager_store.pb.h"

namespace strata::manager::control {
namespace {

using directory::Holder;

constexpr char kTable[] = "holders";
constexpr char kMarks[] = "holder_marks";
constexpr char kNext[] = "next";

std::string KeyOf(Holder number) {
  std::array<uint8_t, 4> bytes;
  ByteWriter writer(bytes);
  writer.U32(number.value());
  return ToHex(bytes);
}

std::string RecordOf(const HolderBook::Entry& entry) {
  strata::manager::store::v1::StoredHolder record;
  record.set_scope(entry.name.scope);
  record.set_engine(entry.name.engine);
  for (const Endpoint& client : entry.clients) record.add_clients(ToString(client));
  record.set_child(entry.child);
  return record.SerializeAsString();
}

StatusOr<HolderBook::EntryPtr> ReadEntry(std::string_view key, std::string_view value) {
  strata::manager::store::v1::StoredHolder record;
  const std::optional<uint32_t> number = ParseNumber<uint32_t>(key, 16);
  if (!number || *number < kHolderNumberFirst || key != KeyOf(Holder(*number)) ||
      !record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return DataLoss("the store's record of holder %s cannot be read", std::string(key).c_str());
  }
  auto entry = std::make_shared<HolderBook::Entry>();
  entry->number = Holder(*number);
  entry->name = {record.scope(), record.engine()};
  entry->child = record.child().empty() ? record.scope() : record.child();
  for (const std::string& client : record.clients()) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(client));
    entry->clients.push_back(endpoint);
  }
  return HolderBook::EntryPtr(std::move(entry));
}

StatusOr<uint64_t> ReadNext(store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<std::string> value, store.Get(kMarks, kNext));
  if (!value) return uint64_t{kHolderNumberFirst};
  strata::manager::store::v1::HolderMark mark;
  if (mark.ParseFromString(*value)) return mark.next();
  return DataLoss("the store's record of the next holder's number cannot be read");
}

}  // namespace

Status HolderBook::Load() {
  absl::MutexLock order(&order_);
  return LoadAll();
}

Status HolderBook::LoadAll() {
  ByName by_name;
  absl::flat_hash_map<Holder, EntryPtr> by_number;
  Status status;
  const auto read = [&](std::string_view key, std::string_view value) {
    const StatusOr<EntryPtr> entry = ReadEntry(key, value);
    if (!entry.ok()) {
      status = entry.status();
    } else if (!by_name.emplace((*entry)->name, *entry).second) {
      status = DataLoss("the store has two numbers of %s", ToString((*entry)->name).c_str());
    } else {
      by_number.emplace((*entry)->number, *entry);
    }
    return status.ok();
  };
  STRATA_RETURN_IF_ERROR(store_.VisitTable(kTable, read));
  STRATA_RETURN_IF_ERROR(status);
  STRATA_ASSIGN_OR_RETURN(const uint64_t next, ReadNext(store_));
  next_ = std::max(next_, next);
  absl::MutexLock lock(&mutex_);
  acknowledged_ = false;
  by_name_ = std::move(by_name);
  by_number_ = std::move(by_number);
  holders_of_.clear();
  for (const auto& [_, entry] : by_name_) CountOf(entry->child, 1);
  ++changes_;
  return Ok();
}

StatusOr<std::vector<Holder>> HolderBook::Enroll(const std::string& child,
                                                 std::span<const Told> holders) {
  Wanted wanted;
  for (const Told& told : holders) {
    if (!tls::ScopeCovers(child, told.name.scope)) {
      return PermissionDenied("%s is no holder of %s", ToString(told.name).c_str(), child.c_str());
    }
    wanted[told.name] = &told;
  }
  // A write may wait for other managers: who asks for what is known does not wait with it.
  if (!Knows(child, wanted)) {
    absl::MutexLock order(&order_);
    STRATA_RETURN_IF_ERROR(Write(child, wanted));
  }
  std::vector<Holder> numbers;
  absl::MutexLock lock(&mutex_);
  for (const Told& told : holders) {
    const auto it = by_name_.find(told.name);
    if (it == by_name_.end()) return Unavailable("%s is forgotten", ToString(told.name).c_str());
    numbers.push_back(it->second->number);
  }
  return numbers;
}

bool HolderBook::Knows(const std::string& child, const Wanted& wanted) const {
  absl::MutexLock lock(&mutex_);
  const auto is_known = [&](const auto& holder) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = by_name_.find(holder.first);
    return it != by_name_.end() && IsLike(*it->second, child, *holder.second);
  };
  return acknowledged_ && std::ranges::all_of(wanted, is_known);
}

Status HolderBook::Write(const std::string& child, const Wanted& wanted) {
  if (!IsAcknowledged()) STRATA_RETURN_IF_ERROR(LoadAll());  // What an earlier write has left.
  STRATA_ASSIGN_OR_RETURN(const std::vector<EntryPtr> fresh, Draw(child, wanted));
  std::span<const EntryPtr> rest = fresh;
  do {
    const size_t count = std::min(rest.size(), kHoldersAtOnceMax);
    STRATA_RETURN_IF_ERROR(Save(rest.first(count)));
    rest = rest.subspan(count);
  } while (!rest.empty());
  return Ok();
}

bool HolderBook::IsAcknowledged() const {
  absl::MutexLock lock(&mutex_);
  return acknowledged_;
}

Status HolderBook::Commit(const store::IntentBatch& batch) {
  Status written = store_.Commit(batch).status();
  absl::MutexLock lock(&mutex_);
  acknowledged_ = written.ok();
  return written;
}

Status HolderBook::CheckRoom(const std::string& child, const Wanted& wanted) const {
  const auto is_new = [this](const auto& holder) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !by_name_.contains(holder.first);
  };
  const auto fresh = static_cast<size_t>(std::ranges::count_if(wanted, is_new));
  if (fresh == 0) return Ok();
  if (by_name_.size() + fresh > kHoldersMax) {
    return ResourceExhausted(
        "%s tells of %zu new holders: with those of others these are more "
        "than %zu",
        child.c_str(), fresh, kHoldersMax);
  }
  size_t known = 0;
  Visit(child, [&known](const EntryPtr&) { ++known; });
  if (known + fresh <= kHoldersOfChildMax) return Ok();
  return ResourceExhausted(
      "%s tells of %zu new holders: with the %zu before these are more than "
      "%zu",
      child.c_str(), fresh, known, kHoldersOfChildMax);
}

StatusOr<std::vector<HolderBook::EntryPtr>> HolderBook::Draw(const std::string& child,
                                                             const Wanted& wanted) {
  absl::MutexLock lock(&mutex_);
  STRATA_RETURN_IF_ERROR(CheckRoom(child, wanted));
  if (next_ + wanted.size() > uint64_t{UINT32_MAX}) {
    return ResourceExhausted("the numbers of holders are used up");
  }
  std::vector<EntryPtr> fresh;
  for (const auto& [name, told] : wanted) {
    const auto it = by_name_.find(name);
    if (it != by_name_.end() && IsLike(*it->second, child, *told)) continue;
    const Holder number =
        it != by_name_.end() ? it->second->number : Holder(static_cast<uint32_t>(next_++));
    fresh.push_back(std::make_shared<const Entry>(Entry{number, name, told->clients, child}));
  }
  return fresh;
}

Status HolderBook::Save(std::span<const EntryPtr> entries) {
  store::IntentBatch batch;
  for (const EntryPtr& entry : entries) {
    batch.puts.push_back({kTable, KeyOf(entry->number), RecordOf(*entry)});
  }
  strata::manager::store::v1::HolderMark mark;
  mark.set_next(static_cast<uint32_t>(next_));
  batch.puts.push_back({kMarks, kNext, mark.SerializeAsString()});
  STRATA_RETURN_IF_ERROR(Commit(batch));
  absl::MutexLock lock(&mutex_);
  ++changes_;
  for (const EntryPtr& entry : entries) {
    EntryPtr& place = by_name_[entry->name];
    if (place != nullptr) CountOf(place->child, -1);
    CountOf(entry->child, 1);
    place = entry;
    by_number_[entry->number] = entry;
  }
  return Ok();
}

StatusOr<size_t> HolderBook::Forget(const std::string& child,
                                    absl::FunctionRef<bool(Holder)> in_use) {
  absl::MutexLock order(&order_);
  std::vector<EntryPtr> unused;
  {
    absl::MutexLock lock(&mutex_);
    Visit(child, [&](const EntryPtr& entry) {
      if (entry->child == child && !in_use(entry->number)) unused.push_back(entry);
    });
  }
  for (std::span<const EntryPtr> rest = unused; !rest.empty();) {
    const size_t count = std::min(rest.size(), kHoldersAtOnceMax);
    STRATA_RETURN_IF_ERROR(Remove(rest.first(count)));
    rest = rest.subspan(count);
  }
  return unused.size();
}

Status HolderBook::Remove(std::span<const EntryPtr> entries) {
  store::IntentBatch batch;
  for (const EntryPtr& entry : entries) batch.deletes.push_back({kTable, KeyOf(entry->number)});
  STRATA_RETURN_IF_ERROR(Commit(batch));
  absl::MutexLock lock(&mutex_);
  ++changes_;
  for (const EntryPtr& entry : entries) {
    CountOf(entry->child, -1);
    by_name_.erase(entry->name);
    by_number_.erase(entry->number);
  }
  return Ok();
}

void HolderBook::Visit(const std::string& scope,
                       absl::FunctionRef<void(const EntryPtr&)> visit) const {
  // Scopes with a longer name of the same beginning lie between the two: '-' comes before '/'.
  const std::string below = scope + "/";
  for (auto it = by_name_.lower_bound({scope, ""});
       it != by_name_.end() && it->first.scope == scope; ++it) {
    visit(it->second);
  }
  for (auto it = by_name_.lower_bound({below, ""});
       it != by_name_.end() && it->first.scope.starts_with(below); ++it) {
    visit(it->second);
  }
}

void HolderBook::CountOf(const std::string& child, int more) {
  size_t& count = holders_of_[child];
  count += static_cast<size_t>(more);
  if (count == 0) holders_of_.erase(child);
}

HolderBook::EntryPtr HolderBook::Find(Holder number) const {
  absl::MutexLock lock(&mutex_);
  const auto it = by_number_.find(number);
  return it == by_number_.end() ? nullptr : it->second;
}

std::optional<Holder> HolderBook::Find(const federation::HolderName& name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) return std::nullopt;
  return it->second->number;
}

std::vector<HolderBook::EntryPtr> HolderBook::OfScope(const std::string& scope) const {
  std::vector<EntryPtr> entries;
  absl::MutexLock lock(&mutex_);
  Visit(scope, [&entries](const EntryPtr& entry) { entries.push_back(entry); });
  return entries;
}

std::vector<HolderBook::EntryPtr> HolderBook::OfChild(const std::string& child) const {
  std::vector<EntryPtr> entries = OfScope(child);
  std::erase_if(entries, [&](const EntryPtr& entry) { return entry->child != child; });
  return entries;
}

std::vector<HolderBook::EntryPtr> HolderBook::all() const {
  std::vector<EntryPtr> entries;
  absl::MutexLock lock(&mutex_);
  entries.reserve(by_name_.size());
  for (const auto& [_, entry] : by_name_) entries.push_back(entry);
  return entries;
}

std::vector<std::string> HolderBook::Children() const {
  std::vector<std::string> children;
  absl::MutexLock lock(&mutex_);
  for (const auto& [child, _] : holders_of_) children.push_back(child);
  return children;
}

size_t HolderBook::size() const {
  absl::MutexLock lock(&mutex_);
  return by_name_.size();
}

uint64_t HolderBook::changes() const {
  absl::MutexLock lock(&mutex_);
  return changes_;
}

}  // namespace strata::manager::control
