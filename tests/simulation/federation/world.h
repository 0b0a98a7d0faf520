#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/event_queue.h"
#include "tests/simulation/federation/fault_injector.h"
#include "tests/simulation/federation/locate_round.h"
#include "tests/simulation/federation/locate_storm.h"
#include "tests/simulation/federation/named_events.h"
#include "tests/simulation/federation/plan.h"
#include "tests/simulation/federation/quiet_checker.h"
#include "tests/simulation/federation/scope_managers.h"
#include "tests/simulation/federation/truth.h"
#include "tests/simulation/federation/wiring.h"
#include "tests/simulation/trace.h"

namespace strata::simulation::federation {

// What a run has shown.
struct RunResult {
  uint64_t seed = 0;
  std::vector<Failure> failures;  // Empty: clean.
  EventCounts events{};
  uint64_t told = 0;  // Changes, by those who lead in the end.
  uint64_t turns = 0;
  uint64_t trace_hash = 0;
};

struct RunOptions {
  bool trace = false;      // Print what happens.
  bool keep_hash = false;  // Of the trace.
};

// One seed: a federation works under faults and changes of content, then all faults stop, and every
// level must know what policy says. Owns all parts of the run.
class World {
 public:
  World(const Plan& plan, const RunOptions& options);

  RunResult Run();

  // For tests that make their own history.
  void RunFor(Duration time);
  // Runs until all is as it shall be, then watches that it stays so and that nobody toils on.
  void Settle();
  // Asks managers of all scopes where contents are. Feeds have ended their work then.
  void Locate();
  Wiring& wiring() { return wiring_; }
  ScopeManagers& scope(size_t at) { return *scopes_[at]; }

 private:
  bool failed() const { return !wiring_.failures.empty(); }
  Duration SettleWithin() const;
  void LocateInPeace();
  void LocateInStorm();
  void JudgeUnanswered(size_t questions);

  const Plan plan_;
  EventQueue queue_;
  SeededRandom random_;
  Trace trace_;
  Truth truth_;
  NamedEvents events_;
  Wiring wiring_;
  Scopes scopes_;
  FaultInjector faults_;
  QuietChecker checker_;
  std::optional<LocateRound> round_;
  std::optional<LocateStorm> storm_;
};

RunResult RunSeed(uint64_t seed, const RunOptions& options = {});

}  // namespace strata::simulation::federation
