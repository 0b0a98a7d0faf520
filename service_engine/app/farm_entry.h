#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "common/status.h"
#include "common/time.h"
#include "service_engine/rpc/manager_client.h"

namespace strata::engine::app {

// Between two attempts to register, where no manager leads, and where the group has a view, so that
// one begins to.
inline constexpr Duration kTryAgain = std::chrono::seconds(1);
inline constexpr Duration kTryAgainInView = std::chrono::milliseconds(250);
// A predecessor that was killed counts as alive for some seconds; who is refused for longer has a
// living twin.
inline constexpr int kTwinTries = 15;

// How an engine comes into its farm: it registers at the manager that leads. While nobody leads it
// takes the place in the group that it had before: its vote may be the one that is missing.
//
// Used once, by one thread.
class FarmEntry {
 public:
  // What it needs of the engine.
  struct Farm {
    std::function<StatusOr<rpc::Registration>()> register_there;
    // As ManagerClient::FindPlace. NotFound: this engine has none.
    std::function<StatusOr<rpc::Registration>()> find_place;
    // Joins the group there, or goes on with these keys if it has.
    std::function<Status(const rpc::Registration&)> take_place;
    std::function<uint32_t()> view;       // Its number; 0: none, or the group was not joined.
    std::function<bool(Duration)> sleep;  // False: the engine is to end.
  };

  explicit FarmEntry(Farm farm) : farm_(std::move(farm)) {}

  // Returns when it has registered. Unavailable: the engine is to end. Other errors are a manager's
  // final refusal, or the group's.
  StatusOr<rpc::Registration> Enter();

 private:
  Status TakePlace();
  bool Wait(bool twin);  // Until the next attempt. False: the engine is to end.

  const Farm farm_;
  std::string why_;  // What was logged last, so below.
  std::string no_place_;
  uint32_t tried_in_ = 0;  // Number of the view at the last attempt.
};

}  // namespace strata::engine::app
