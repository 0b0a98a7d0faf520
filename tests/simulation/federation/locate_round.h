#pragma once

#include "tests/simulation/federation/fault_injector.h"
#include "tests/simulation/federation/locate_desks.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// Asks managers where copies are, over their directories, while all is quiet: each answer must name
// every copy below the nearest scope that has one, and nothing else. A question that may not go so
// far misses some, but says so.
class LocateRound {
 public:
  LocateRound(Wiring& wiring, Scopes& scopes);

  // The answer is judged when it comes.
  void Ask(size_t scope, const Content& content);
  // Of those asked.
  size_t unanswered() const { return desks_.unanswered(); }
  void CountEvents() { desks_.CountEvents(); }

 private:
  manager::federation::LocalCopies LocalCopiesOf(size_t scope, const farm::ContentKey& key) const;
  void Judge(const LocateDesks::Asked& asked,
             const manager::federation::LocateAnswer& answer) const;

  Wiring& wiring_;
  Scopes& scopes_;
  LocateDesks desks_;
};

}  // namespace strata::simulation::federation
