#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/address/floating_addresses.h"
#include "service_manager/address/hold_plan.h"

namespace strata::manager::address {

// How often it is asked whether this process may hold the addresses.
inline constexpr Duration kAskEvery = std::chrono::milliseconds(50);

// Holds the floating addresses while, and only while, it may: on a thread of its own, which asks
// and renews. Owned by the application.
class AddressKeeper {
 public:
  // Called on the keeper's thread; must not wait.
  struct Callbacks {
    std::function<Claim()> claim;
    std::function<void(Welcome)> on_welcome;  // When it is another than before. Open at first.
  };
  // Errors as of FloatingAddresses::Open. Without addresses there is no thread.
  static StatusOr<std::unique_ptr<AddressKeeper>> Start(FloatingAddressOptions options,
                                                        Callbacks callbacks,
                                                        MetricRegistry& metrics);
  ~AddressKeeper();  // Drops them.

  // Waits until this process holds none of the addresses: whoever leads now has them. False: it
  // does after `limit`. Any thread.
  bool AwaitDropped(Duration limit) const;
  // For people: "held", "not held", "none", or what is wrong. Any thread.
  std::string state() const;

 private:
  struct Instruments;

  AddressKeeper(std::unique_ptr<FloatingAddresses> addresses, Callbacks callbacks,
                MetricRegistry& metrics);

  void Loop();
  void Step();
  Status Do(HoldPlan::Change change);
  void Announce();
  void Note(HoldPlan::Change change, const Status& done);
  bool Sleep();

  const std::unique_ptr<FloatingAddresses> addresses_;
  const Callbacks callbacks_;
  const std::unique_ptr<Instruments> instruments_;

  // The thread's.
  HoldPlan plan_;
  Welcome welcome_ = Welcome::kOpen;
  std::string last_error_;  // That was logged.

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::string state_ ABSL_GUARDED_BY(mutex_) = "not held";
  bool held_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace strata::manager::address
