#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/abort_checker.h"
#include "tests/simulation/address_checker.h"
#include "tests/simulation/branch_book.h"
#include "tests/simulation/economy_checker.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/fault_injector.h"
#include "tests/simulation/held_checker.h"
#include "tests/simulation/hostile.h"
#include "tests/simulation/intent_checker.h"
#include "tests/simulation/manager_stores.h"
#include "tests/simulation/member.h"
#include "tests/simulation/named_events.h"
#include "tests/simulation/network.h"
#include "tests/simulation/observer.h"
#include "tests/simulation/order_checker.h"
#include "tests/simulation/received_checker.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/send_checker.h"
#include "tests/simulation/sm_last_checker.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/view_checker.h"
#include "tests/simulation/workload.h"

namespace strata::simulation {

// What a run has shown.
struct RunResult {
  uint64_t seed = 0;
  std::vector<Failure> failures;  // Empty: clean.
  EventCounts events{};
  Economy economy;  // Of loss-only seeds; else zero.
  uint64_t commits = 0;
  uint64_t turns = 0;
  uint64_t trace_hash = 0;
};

struct RunOptions {
  bool trace = false;      // Print what happens.
  bool keep_hash = false;  // Of the trace.
};

// One seed: a group is founded, works under faults, then all faults stop and everything must come
// to its end. Owns all parts of the run.
class Simulation {
 public:
  Simulation(uint64_t seed, const RunOptions& options);

  RunResult Run();

 private:
  void RunFor(Duration time);
  // Runs until Quiet, at most `limit`; complains otherwise.
  void Settle(const char* phase, Duration limit);
  bool Quiet() const;
  bool QuietMember(size_t index, const multicast::View& view) const;
  std::string Describe(size_t index) const;
  bool failed() const { return !stage_.failures().empty(); }

  Scenario scenario_;
  EventQueue queue_;
  SeededRandom random_;
  Trace trace_;
  MessageRegistry messages_;
  Stage stage_;
  Network network_;
  Wiring wiring_;
  std::vector<std::unique_ptr<Member>> members_;

  BranchBook branches_;
  SmLastChecker sm_last_;
  HeldChecker held_;
  AddressChecker address_;
  ViewChecker views_;
  OrderChecker order_;
  SendChecker sends_;
  AbortChecker aborts_;
  ReceivedChecker received_;
  EconomyChecker economy_;
  IntentChecker intent_;
  NamedEvents events_;

  Hostile hostile_;
  FaultInjector faults_;
  Workload workload_;
  ManagerStores stores_;
};

RunResult RunSeed(uint64_t seed, const RunOptions& options = {});

}  // namespace strata::simulation
