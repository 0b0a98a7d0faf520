#pragma once

#include <map>
#include <memory>
#include <optional>

#include "tests/simulation/federation/child_desk.h"
#include "tests/simulation/federation/manager_directory.h"
#include "tests/simulation/federation/parent_link.h"

namespace strata::simulation::federation {

// The process of a manager that leads its scope, from its start to its end: a directory, a desk for
// each child, and a link to the parent. Once stopped it says and does nothing any more, but stays,
// for what is still under way.
class Manager {
 public:
  struct Start {
    size_t scope = 0;
    uint64_t epoch = 0;
    Store& store;
    ManagerDirectory::Written written;
    ChildDesk::WhichStore which_store;
    ParentLink::FindParent find_parent;
  };
  Manager(Wiring& wiring, const Start& start);

  void Stop();
  // The store has synced.
  void OnDurable();
  // Of a farm: a copy of an engine is there like that, or gone.
  void SetCopy(const farm::ContentKey& key, const HolderName& engine,
               std::optional<LocationFlags> flags);

  ChildDesk& desk(size_t child) { return *desks_.at(child); }
  ParentLink* parent_link() { return parent_link_.get(); }  // Null at the top.
  ManagerDirectory& directory() { return directory_; }
  void CountEvents();

 private:
  void TakeInFarm(size_t scope);

  Wiring& wiring_;
  ManagerDirectory directory_;
  std::map<size_t, std::unique_ptr<ChildDesk>> desks_;
  std::unique_ptr<ParentLink> parent_link_;
  bool stopped_ = false;
};

}  // namespace strata::simulation::federation
