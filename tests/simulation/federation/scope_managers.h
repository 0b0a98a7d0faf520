#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "tests/simulation/federation/manager.h"
#include "tests/simulation/federation/store.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// The managers of one scope: two machines with a store each, of which one leads and the other
// mirrors what it writes, a little later. Whoever is deposed may go on for a while, on its own
// store.
class ScopeManagers {
 public:
  // Whoever of the parent's managers answers a child; null at the top, and while none does.
  using FindParent = std::function<Manager*()>;

  ScopeManagers(Wiring& wiring, size_t scope, FindParent find_parent);

  void StartFirst() { Launch(); }

  // ---- What happens to them.
  void SetCopy(const farm::ContentKey& key, const HolderName& engine,
               std::optional<LocationFlags> flags);
  void SetPolicy(const PolicyPlan& policy);
  // Down for a while; then with what the store has, or, after a loss of power, has durably.
  void Restart(bool power_lost, Duration down);
  // The other machine leads from now on; who led hears of it after a while.
  void TakeOver(Duration deposed_for);
  // What one machine's store has of the directory is not what was written. Whoever reads it next
  // finds out; at the machine that leads that is at once.
  void Bend();
  void Forget(size_t child);

  // Who leads; null while it is down.
  Manager* leader() { return leader_; }
  // Whom somebody reaches that asks for who leads.
  Manager* Answering();
  bool calm() const { return leader_ != nullptr && deposed_ == nullptr; }
  void CountEvents();

 private:
  struct Machine {
    Store store;
    // What belongs to the store as it was before something happened to it is not done any more.
    uint64_t happened = 0;
    uint64_t which = 0;  // FeedReader::parents_store
    bool bent = false;   // And nobody has read it since.
    Timestamp last_sync;
    Timestamp last_mirrored;
  };

  void Launch();
  Machine& leading() { return machines_[leads_]; }
  Machine& other() { return machines_[1 - leads_]; }
  void Written(Machine& machine, uint64_t number, const StoreBatch& batch);
  void Mirror(const StoreBatch& batch);
  void CopyToOther();
  void EndDeposed();
  StoreBatch DrawBend(const Store& store);

  Wiring& wiring_;
  const size_t scope_;
  const FindParent find_parent_;
  std::array<Machine, 2> machines_;
  size_t leads_ = 0;
  uint64_t epoch_ = 0;
  uint64_t stores_ = 0;  // That were told apart, so far.
  std::vector<std::unique_ptr<Manager>> all_;
  Manager* leader_ = nullptr;
  Manager* deposed_ = nullptr;
};

}  // namespace strata::simulation::federation
