#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/work_queue.h"
#include "service_manager/site_flow/local_farm.h"
#include "service_manager/sites/engine_progress.h"

namespace strata::manager::site_flow {

// A farm as its manager's part in the flow of sites: tells the group what came from above, and
// gathers what its engines say of it. Any thread.
class FarmSide final : public LocalFarm {
 public:
  // Within this an engine that was cut off serves nothing any more, as control::Orders has it.
  static constexpr Duration kCloses = farm::kInTouchWithin + std::chrono::seconds(2);
  // Engines say what they do, and not what they did: who was in the group for so long and has said
  // nothing has done what the farm was told before, or does not serve.
  static constexpr Duration kSettles = std::chrono::seconds(5);

  // `control` outlives it, and is observed from Start() on.
  explicit FarmSide(control::FarmControl& control) : control_(control) {}
  ~FarmSide() override;

  // `changed`: engines have said something of this site; "": of any. On several threads, quick.
  void Start(std::function<void(const std::string& site)> changed);
  // Afterwards `changed` is not called any more.
  void Stop();

  void OnSite(const std::string& site) override;
  void OnSiteRemoved(const std::string& site) override;
  void OnPurged(const farm::Purged& entry) override;
  void Fill(sites::SiteRow& row) const override;

 private:
  using States = std::map<std::string, sites::SiteState>;
  // An engine that is in the group: since when, and what the farm had then.
  struct Present {
    Timestamp since;
    std::shared_ptr<const States> states;  // Null: it is assumed to have done it.
  };

  void OnMessage(const farm::Message& message);
  void LookAtEngines();
  // Whether something is known now that was not before.
  bool AssumeOf(const std::vector<sites::EngineProgress::Engine>& engines, const States& states);

  control::FarmControl& control_;
  std::function<void(const std::string&)> changed_;
  mutable absl::Mutex mutex_;
  sites::EngineProgress progress_ ABSL_GUARDED_BY(mutex_);
  std::vector<sites::EngineProgress::Engine> engines_ ABSL_GUARDED_BY(mutex_);
  std::map<farm::EngineId, Present> present_;  // Of the thread of looks_.
  std::unique_ptr<control::WorkQueue> looks_;
};

}  // namespace strata::manager::site_flow
