#pragma once

#include <memory>
#include <vector>

#include "common/random.h"
#include "tests/simulation/federation/scope_managers.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

using Scopes = std::vector<std::unique_ptr<ScopeManagers>>;

// Changes copies at the farms all the time, until Rest, and makes the plan's faults happen, until
// Heal.
class FaultInjector {
 public:
  FaultInjector(Wiring& wiring, Scopes& scopes, uint64_t seed)
      : wiring_(wiring), scopes_(scopes), random_(seed) {}

  void Start();
  // No more faults; those under way come to their end.
  void Heal() { healed_ = true; }
  // No more changes.
  void Rest() { rests_ = true; }

 private:
  void ChangeLater();
  void ChangeSome(size_t changes);
  void ChangeOne();
  void FaultLater();
  void Inject(Fault fault);
  Fault DrawFault();
  size_t AnyChild();  // A scope that has a parent.
  size_t AnyFarm();
  ParentLink* LinkOf(size_t scope);
  Duration Ms(int lo, int hi);

  Wiring& wiring_;
  Scopes& scopes_;
  SeededRandom random_;
  bool healed_ = false;
  bool rests_ = false;
};

}  // namespace strata::simulation::federation
