#pragma once

#include <cstdint>
#include <string>

#include "common/metrics.h"
#include "common/status.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/witness_book.h"
#include "service_manager/store/mirrored_store.h"

namespace strata::manager::control {

// Says whether a member that came back while nobody leads may have its place in the group, and the
// group's keys, so that it can vote for who is to lead. It tells what the farm decided last, and
// decides nothing: no new member, no registration, nothing is written. Any thread.
class PlaceDesk {
 public:
  // Who asks, as its certificate and its own disk say.
  struct Claim {
    std::string name;
    bool witness = false;  // Otherwise an engine.
    uint32_t member_id = 0;
    uint64_t group_id = 0;
  };

  PlaceDesk(FarmControl& control, const WitnessBook& witnesses, MetricRegistry& metrics);

  // Whether the place that is claimed is its own, and this manager's position: who asks several
  // takes the place of the highest. For a moment after intent has come the group that is told may
  // be older than the position, so who asks asks again. Unavailable: somebody leads, who is to be
  // asked. NotFound, FailedPrecondition: it is not known here, or not as it says.
  StatusOr<store::MirrorPosition> Check(const Claim& claim);

 private:
  Status CheckNobodyLeads() const;
  Status CheckKnown(const Claim& claim) const;

  FarmControl& control_;
  const WitnessBook& witnesses_;
  Counter& told_;
  Counter& refused_;
};

}  // namespace strata::manager::control
