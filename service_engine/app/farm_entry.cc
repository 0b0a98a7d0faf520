#include "service_engine/app/farm_entry.h"

#include <utility>

#include "common/log.h"

namespace strata::engine::app {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(50);

const Logger& Log() {
  static const Logger logger("engine");
  return logger;
}

}  // namespace

StatusOr<rpc::Registration> FarmEntry::Enter() {
  for (int twins = 0;;) {
    tried_in_ = farm_.view();
    StatusOr<rpc::Registration> registered = farm_.register_there();
    if (registered.ok()) return registered;
    const Status& why = registered.status();
    const bool twin = why.code() == StatusCode::kAlreadyExists;
    twins = twin ? twins + 1 : 0;
    if (rpc::IsRefusal(why) || twins > kTwinTries) {
      return MakeStatus(why.code(), "the manager refuses this engine: " + MessageOf(why));
    }
    const std::string words = MessageOf(why);
    if (std::exchange(why_, words) != words) Log().Warning("not registered yet", {{"why", words}});
    if (!twin) STRATA_RETURN_IF_ERROR(TakePlace());
    if (!Wait(twin)) return Unavailable("ended while it waited for a manager");
  }
}

Status FarmEntry::TakePlace() {
  const StatusOr<rpc::Registration> place = farm_.find_place();
  // Whatever it is, who leads will say what is to be done.
  std::string words = place.ok() ? "" : MessageOf(place.status());
  if (std::exchange(no_place_, words) != words && !words.empty()) {
    Log().Info("no place in the group yet", {{"why", words}});
  }
  return place.ok() ? farm_.take_place(*place) : Ok();
}

bool FarmEntry::Wait(bool twin) {
  for (Duration waited{}; waited < kTryAgain; waited += kLook) {
    if (!farm_.sleep(kLook)) return false;
    const uint32_t view = farm_.view();
    if (twin || view == 0) continue;
    if (view != tried_in_ || waited >= kTryAgainInView) return true;
  }
  return true;
}

}  // namespace strata::engine::app
