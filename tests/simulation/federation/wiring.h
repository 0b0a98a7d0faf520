#pragma once

#include <string>
#include <vector>

#include "common/random.h"
#include "common/status.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/failure.h"
#include "tests/simulation/federation/named_events.h"
#include "tests/simulation/federation/plan.h"
#include "tests/simulation/federation/truth.h"
#include "tests/simulation/trace.h"

namespace strata::simulation::federation {

// What all parts of a run share.
struct Wiring {
  const Plan& plan;
  EventQueue& queue;
  RandomSource& random;
  Trace& trace;
  Truth& truth;
  NamedEvents& events;
  std::vector<Failure> failures = {};

  void Fail(const char* checker, const std::string& what) {
    trace.Line(queue.now(), 0, "FAILED %s: %s", checker, what.c_str());
    failures.push_back({checker, what});
  }
  void ExpectOk(const char* checker, const Status& status) {
    if (!status.ok()) Fail(checker, MessageOf(status));
  }
  const std::string& scope(size_t at) const { return plan.scopes[at].scope; }
};

}  // namespace strata::simulation::federation
