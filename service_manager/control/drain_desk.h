#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/site_table.h"
#include "farm/state_table.h"
#include "service_manager/control/drain_plan.h"
#include "service_manager/control/farm_control.h"

namespace strata::manager::control {

// Brings what only draining engines have to others, and knows when one may be switched off
// (docs/protocols/farm.md, section 8). All of its state can be found again: that an engine is to be
// drained is in the farm's table, what is left to do is what the table says of copies. It has no
// thread: it looks when engines ask, which they do about once a second while one is drained, and
// when somebody wants to know. Any thread.
class DrainDesk {
 public:
  // `control` has to outlive it.
  DrainDesk(FarmControl& control, MetricRegistry& metrics);

  struct Prepared {
    farm::ContentKey key;
    std::string problem;  // Empty: `original` counts.
    DrainPlan::Original original;
  };
  struct Copied {
    farm::ContentKey key;
    std::string problem;  // Empty: done.
  };
  struct Work {
    std::vector<farm::ContentKey> prepare;
    std::vector<DrainPlan::Order> copies;
  };
  // An engine has done what it was told, and asks for more. Unavailable if this manager does not
  // lead.
  StatusOr<Work> Exchange(const DrainPlan::Target& engine, const std::vector<Prepared>& prepared,
                          const std::vector<Copied>& copied);

  // An operator has ordered a drain, or taken one back: what is known is of now when it returns.
  void LookNow();

  struct Report {
    bool safe = false;
    uint64_t copied = 0;
    DrainPlan::Progress progress;
  };
  // Of an engine that is drained; nothing if it is not, or this manager does not know.
  std::optional<Report> Find(farm::EngineId engine);

 private:
  // What is remembered of a drain from survey to survey.
  struct Drain {
    Timestamp quiet_since = Timestamp::Never();  // Nothing is left, and no request runs.
    uint64_t copied = 0;
    bool told_safe = false;
    Timestamp stuck_since = Timestamp::Never();  // Something is left, and nothing is under way.
    bool told_stuck = false;
  };

  bool Leads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SurveyEngine(farm::EngineId engine, Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<DrainPlan::Sole> CandidatesOf(farm::EngineId engine) const;
  // Whether the content is of a site without origins.
  bool IsOrphan(const farm::ContentKey& key, const farm::SiteTable& sites) const;
  void Judge(farm::EngineId engine, Timestamp now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(const std::string& name, Drain& drain, bool safe, const DrainPlan::Progress& progress)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FarmControl& control_;
  Gauge& left_;
  Counter& copies_;
  Counter& failures_;
  absl::Mutex mutex_;
  DrainPlan plan_ ABSL_GUARDED_BY(mutex_);
  std::map<farm::EngineId, Drain> drains_ ABSL_GUARDED_BY(mutex_);
  Timestamp look_at_ ABSL_GUARDED_BY(mutex_);  // Not before.
};

}  // namespace strata::manager::control
