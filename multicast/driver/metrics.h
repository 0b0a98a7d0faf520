#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "multicast/core/core.h"
#include "multicast/core/counters.h"
#include "multicast/driver/counters.h"

namespace strata::multicast {

// Numbers of the first counter of each table towards SNMP; the others follow in their order.
inline constexpr uint32_t kCoreMetricNumbers = 3000;
inline constexpr uint32_t kDriverMetricNumbers = 3200;
inline constexpr uint32_t kGaugeMetricNumbers = 3400;

// Shows the counters of one group in a registry, as strata_multicast_<name>_total, labelled with
// the group's id. Declares them at construction, once per group and registry; the setters bring
// them up to date. One thread.
class GroupMetrics {
 public:
  GroupMetrics(MetricRegistry& registry, GroupId group);

  void SetCounters(const Counters& core, const DriverCounters& driver);
  void SetView(const View& view, MemberStatus status);

 private:
  std::vector<strata::Counter*> core_;
  std::vector<strata::Counter*> driver_;
  Gauge* view_number_;
  Gauge* members_;
  Gauge* status_;
};

}  // namespace strata::multicast
