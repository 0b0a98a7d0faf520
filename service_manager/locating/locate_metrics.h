#pragma once

#include <cstddef>

#include "common/metrics.h"
#include "service_manager/federation/locate/locate_desk.h"

namespace strata::manager::locating {

// What a manager counts of questions where contents are. Counters: any thread; Show: one at a time.
class LocateMetrics {
 public:
  explicit LocateMetrics(MetricRegistry& metrics);

  // The desk's own totals, and how many questions are open.
  void Show(const federation::LocateCounters& counts, size_t open);

 private:
  Counter& questions_;
  Counter& refused_;
  Counter& overloaded_;
  Counter& partial_;
  Counter& asks_;
  Counter& joined_;
  Counter& remembered_;
  Counter& silent_;
  Counter& late_;
  Counter& wrong_;
  Counter& restarted_;
  Gauge& open_;

 public:
  Counter& strangers;  // Peers whose certificate is not that of a neighbour.
  Counter& failed;     // Managers of neighbours that could not be asked.
};

}  // namespace strata::manager::locating
