#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/random.h"
#include "farm/member/farm_member.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/work_queue.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

// What the tests of a manager's part in its farm share: a real multicast group on lo, a store in a
// folder of its own, and engines that are a member without a server.
namespace strata::manager::control::testing {

// Until `condition` holds, or much too much time is over: false.
bool Eventually(const std::function<bool()>& condition);

// An engine that does what it is told, or says that it cannot.
class TestEngine final : private farm::FarmListener {
 public:
  // Registers at the manager and joins its farm.
  // `version`: of the farm's messages, the highest that it speaks; 0: that of this program.
  TestEngine(FarmControl& control, const std::string& name, uint8_t instance, uint8_t version = 0);
  ~TestEngine() override;

  const Registrar::Engine& engine() const { return engine_; }
  farm::FarmMember& member() { return *member_; }
  // From now on it answers purges and sites with this problem; empty: it does what it is told.
  void SetProblem(const std::string& problem);
  void SetSilent(bool silent);  // It does not answer at all.
  void SetLying(bool lying);    // It tells a digest that is none.

 private:
  void OnMessage(const farm::Message& message, farm::EngineId origin) override;
  void OnView(const multicast::View& view, bool joined) override;
  void OnState() override {}

  MetricRegistry metrics_;
  Registrar::Engine engine_;
  absl::Mutex mutex_;
  std::string problem_ ABSL_GUARDED_BY(mutex_);
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;
  bool lying_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<farm::FarmMember> member_;
  std::unique_ptr<WorkQueue> presence_;  // Says that it is there, as engines do.
};

class TestFarm {
 public:
  // Moves this process to a network of its own: before there are threads. False: it cannot.
  static bool EnterNetwork();

  TestFarm();
  ~TestFarm();

  // The manager, on the store that is there already; waits until it leads.
  void Start(Duration verify_every = kVerifyEvery);
  // The same without waiting: of several managers this one leads only if it hears the others.
  void StartAsOneOfSeveral(Duration verify_every = kVerifyEvery);
  void Stop();
  // Engine and manager see each other when it returns.
  std::unique_ptr<TestEngine> Join(const std::string& name, uint8_t instance = 1,
                                   uint8_t version = 0);

  FarmControl& control() { return *control_; }
  RandomSource& random() { return random_; }
  MetricRegistry& metrics() { return *metrics_; }

 private:
  SeededRandom random_{1};
  std::string folder_;
  uint16_t port_;
  std::unique_ptr<MetricRegistry> metrics_;
  std::unique_ptr<store::RocksStore> own_;
  std::unique_ptr<store::MirroredStore> store_;
  std::unique_ptr<directory::LocationIndex> index_;
  std::unique_ptr<FarmControl> control_;
};

}  // namespace strata::manager::control::testing
