#include "service_manager/locating/local_directory.h"

#include <algorithm>
#include <utility>

#include "service_manager/locating/limits.h"

namespace strata::manager::locating {

using federation::LocalCopies;
using federation::LocatedCopy;

StatusOr<std::unique_ptr<LocalDirectory>> LocalDirectory::Open(Options options,
                                                               directory::LocationIndex& index,
                                                               const control::HolderBook& holders,
                                                               store::Store& store) {
  STRATA_ASSIGN_OR_RETURN(directory::LocationReader reader,
                          directory::LocationReader::Register(index));
  return std::unique_ptr<LocalDirectory>(
      new LocalDirectory(std::move(options), std::move(reader), holders, store));
}

LocalDirectory::LocalDirectory(Options options, directory::LocationReader reader,
                               const control::HolderBook& holders, store::Store& store)
    : options_(std::move(options)),
      reader_(std::move(reader)),
      holders_(holders),
      store_(store),
      // One more than an answer may name: so it is seen that there are more.
      locations_(federation::kLocatedCopiesMax + 1) {}

LocalCopies LocalDirectory::Look(const farm::ContentKey& key) {
  LocalCopies local;
  local.untold = options_.untold();
  const size_t found = Find(key);
  local.copies.reserve(found);
  size_t detailed = 0;
  for (size_t i = 0; i < found; ++i) {
    std::optional<LocatedCopy> copy = CopyOf(locations_[i]);
    if (!copy) continue;
    if (detailed++ < kDetailsMax) AddDetails(key, locations_[i].holder, *copy, local);
    local.copies.push_back(*std::move(copy));
  }
  return local;
}

size_t LocalDirectory::Find(const farm::ContentKey& key) {
  directory::LocationReader::Session session(reader_);
  return std::min(session.Find(key, locations_), locations_.size());
}

std::optional<LocatedCopy> LocalDirectory::CopyOf(const directory::Location& location) const {
  const directory::Holder holder = location.holder;
  if (holder.value() < control::kHolderNumberFirst) {
    std::optional<Engine> engine = options_.engine(holder);
    if (!engine) return std::nullopt;
    return LocatedCopy{.holder = {options_.scope, std::move(engine->name)},
                       .clients = std::move(engine->clients),
                       .flags = location.flags,
                       .size = 0,
                       .stale = !engine->heard_of};
  }
  const control::HolderBook::EntryPtr entry = holders_.Find(holder);
  if (entry == nullptr) return std::nullopt;
  return LocatedCopy{.holder = entry->name,
                     .clients = entry->clients,
                     .flags = location.flags,
                     .size = 0,
                     .stale = options_.stale(entry->name.scope)};
}

void LocalDirectory::AddDetails(const farm::ContentKey& key, directory::Holder holder,
                                LocatedCopy& copy, LocalCopies& local) {
  const auto stored = store_.FindLocation(key, holder);
  if (!stored.ok() || !*stored) return;
  copy.size = (*stored)->size_bytes;
  if ((*stored)->remaining) local.lifetime = std::min(local.lifetime, *(*stored)->remaining);
}

}  // namespace strata::manager::locating
