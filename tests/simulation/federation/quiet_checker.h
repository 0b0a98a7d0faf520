#pragma once

#include <string>

#include "tests/simulation/federation/fault_injector.h"
#include "tests/simulation/federation/wiring.h"

namespace strata::simulation::federation {

// What must hold once all is quiet: every level knows exactly what policy says, in its index and
// in its store; both ends of a link have the same digests; every content has its URI.
class QuietChecker {
 public:
  QuietChecker(Wiring& wiring, Scopes& scopes) : wiring_(wiring), scopes_(scopes) {}

  // Whether everybody is there and knows what he shall; `why` tells who does not.
  bool Holds(std::string& why) const;
  // Everything, each violation a failure.
  void Check();
  // What was sent so far in vain or to repair; it stands still once all is quiet.
  uint64_t Repairs() const;
  // Changes told so far.
  uint64_t Told() const;

 private:
  // In words; empty if there is nothing. All but the first are for managers who are at rest.
  std::string UnrestOf(size_t scope) const;
  std::string FaultOf(size_t scope, const Truth::Expected& expected) const;
  std::string LinkFaultOf(size_t scope, const Truth::Expected& expected) const;
  void CheckScope(size_t scope, const Truth::Expected& expected);

  Wiring& wiring_;
  Scopes& scopes_;
};

}  // namespace strata::simulation::federation
