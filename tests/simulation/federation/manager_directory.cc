#include "tests/simulation/federation/manager_directory.h"

#include <utility>

#include "common/check.h"
#include "service_manager/directory/limits.h"

namespace strata::simulation::federation {

using manager::directory::LocationReader;

namespace {

constexpr size_t kCopiesMax = 256;  // Of one content; there are fewer engines and scopes.

LocationReader ReaderOf(manager::directory::LocationIndex& index) {
  auto reader = LocationReader::Register(index);
  STRATA_CHECK(reader.ok());
  return *std::move(reader);
}

}  // namespace

ManagerDirectory::ManagerDirectory(const std::string& scope, Store& store, uint64_t seed)
    : store_(store),
      random_(seed),
      index_(random_),
      reader_(ReaderOf(index_)),
      names_(store.state().names),
      numbers_(store.state().numbers) {
  for (const auto& [key, row] : store.state().contents) {
    for (const auto& [holder, copy] : row.copies) index_.Add(key, {holder, copy.flags});
  }
  own_scope_ = NumberOf({scope, ""});
}

Holder ManagerDirectory::NumberOf(const HolderName& name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  const Holder number(names_.empty() ? 1 : names_.rbegin()->first.value() + 1);
  names_[number] = name;
  numbers_[name] = number;
  batch_.push_back(NameHolder{number, name});
  return number;
}

void ManagerDirectory::Put(const farm::ContentKey& key, const Location& location, uint64_t size,
                           std::string_view uri) {
  CopyChange change{.holder = location.holder, .before = {}, .after = location.flags};
  for (const Location& copy : CopiesOf(key)) {
    if (copy.holder == location.holder) change.before = copy.flags;
  }
  const bool same = change.before == change.after && SizeOf(key, location.holder) == size;
  index_.Add(key, location);
  batch_.push_back(PutCopy{key, location.holder, location.flags, size, std::string(uri)});
  if (changed_ && !same) changed_(key, change);
}

void ManagerDirectory::Remove(const farm::ContentKey& key, Holder holder) {
  CopyChange change{.holder = holder, .before = {}, .after = {}};
  for (const Location& copy : CopiesOf(key)) {
    if (copy.holder == holder) change.before = copy.flags;
  }
  if (!change.before) return;
  index_.Remove(key, holder);
  batch_.push_back(RemoveCopy{key, holder});
  if (changed_) changed_(key, change);
}

void ManagerDirectory::SetPosition(const std::string& child, const FeedPosition& position) {
  batch_.push_back(PositionOfChild{child, position});
}

uint64_t ManagerDirectory::Commit() {
  if (batch_.empty()) return store_.written();
  const StoreBatch batch = std::exchange(batch_, {});
  store_.Write(batch);
  if (written_) written_(store_.written(), batch);
  return store_.written();
}

std::vector<Location> ManagerDirectory::CopiesOf(const farm::ContentKey& key) const {
  std::vector<Location> copies(kCopiesMax);
  copies.resize(index_.Find(key, copies));
  return copies;
}

std::string ManagerDirectory::UriOf(const farm::ContentKey& key) const {
  for (const StoreWrite& write : batch_) {
    const auto* put = std::get_if<PutCopy>(&write);
    if (put != nullptr && put->key == key && !put->uri.empty()) return put->uri;
  }
  const auto row = store_.state().contents.find(key);
  return row == store_.state().contents.end() ? "" : row->second.uri;
}

std::optional<uint64_t> ManagerDirectory::SizeOf(const farm::ContentKey& key, Holder holder) const {
  const auto row = store_.state().contents.find(key);
  if (row == store_.state().contents.end()) return std::nullopt;
  const auto copy = row->second.copies.find(holder);
  if (copy == row->second.copies.end()) return std::nullopt;
  return copy->second.size;
}

Knowledge ManagerDirectory::KnowledgeOfIndex() {
  Knowledge known;
  LocationReader::Session session(reader_);
  for (uint32_t part = 0; part < manager::directory::kParts; ++part) {
    session.VisitPart(part, [&](const farm::ContentKey& key, std::span<const Location> copies) {
      for (const Location& copy : copies) known[key][names_.at(copy.holder)] = copy.flags;
    });
  }
  return known;
}

}  // namespace strata::simulation::federation
