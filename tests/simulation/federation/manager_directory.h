#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/policy/projection.h"
#include "tests/simulation/federation/store.h"

namespace strata::simulation::federation {

using manager::directory::Location;
using manager::federation::CopyChange;

// The directory of a manager's process: the real hot index over what its store has, and the numbers
// of holders. What it is given is in the index at once, and in the store after Commit.
class ManagerDirectory {
 public:
  // Told of each change of a copy, which the index has then; not of what is put as it was.
  using Changed = std::function<void(const farm::ContentKey&, const CopyChange&)>;

  ManagerDirectory(const std::string& scope, Store& store, uint64_t seed);

  // Told of each batch that was written, with the store's number of it.
  using Written = std::function<void(uint64_t number, const StoreBatch& batch)>;

  void set_changed(Changed changed) { changed_ = std::move(changed); }
  void set_written(Written written) { written_ = std::move(written); }

  Holder NumberOf(const HolderName& name);
  void Put(const farm::ContentKey& key, const Location& location, uint64_t size,
           std::string_view uri);
  void Remove(const farm::ContentKey& key, Holder holder);
  void SetPosition(const std::string& child, const FeedPosition& position);
  // All since the last one, in one batch; the store's number of the last that it has.
  uint64_t Commit();
  // The number of the batch that is being made.
  uint64_t next_commit() const { return store_.written() + 1; }

  Holder own_scope() const { return own_scope_; }
  const manager::directory::LocationIndex& index() const { return index_; }
  manager::directory::LocationReader& reader() { return reader_; }
  std::vector<Location> CopiesOf(const farm::ContentKey& key) const;
  // Of a content that has copies, or had some before this batch; empty if nobody told it.
  std::string UriOf(const farm::ContentKey& key) const;
  const HolderName& NameOf(Holder holder) const { return names_.at(holder); }
  const std::map<Holder, HolderName>& names() const { return names_; }
  const Store& store() const { return store_; }
  // What the index has: names and copies.
  Knowledge KnowledgeOfIndex();

 private:  // As committed.
  std::optional<uint64_t> SizeOf(const farm::ContentKey& key, Holder holder) const;

  Store& store_;
  SeededRandom random_;
  manager::directory::LocationIndex index_;
  manager::directory::LocationReader reader_;
  std::map<Holder, HolderName> names_;
  std::map<HolderName, Holder> numbers_;
  Holder own_scope_;
  StoreBatch batch_;
  Changed changed_;
  Written written_;
};

}  // namespace strata::simulation::federation
