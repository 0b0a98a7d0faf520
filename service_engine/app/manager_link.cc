#include "service_engine/app/manager_link.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/log.h"

namespace strata::engine::app {
namespace {

constexpr Duration kRenewEvery = std::chrono::seconds(1);
constexpr size_t kUrisPerCall = 5000;

}  // namespace

ManagerLink::ManagerLink(rpc::ManagerClient& client, farm::FarmMember& member,
                         InventoryTeller& teller, Bytes instance, uint64_t registration,
                         std::function<void(const Status&)> on_refusal)
    : client_(client),
      member_(member),
      teller_(teller),
      instance_(std::move(instance)),
      registration_(registration),
      on_refusal_(std::move(on_refusal)),
      thread_([this] { Loop(); }) {}

ManagerLink::~ManagerLink() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void ManagerLink::Loop() {
  std::vector<std::string> uris;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kRenewEvery));
      if (stop_) return;
    }
    if (!Renew()) return;
    // Those that could not be told are told the next time.
    if (uris.empty()) uris = teller_.TakeUris(kUrisPerCall);
    while (!uris.empty() && client_.TellUris(uris).ok()) uris = teller_.TakeUris(kUrisPerCall);
  }
}

bool ManagerLink::Renew() {
  const auto keys = client_.Renew(instance_, registration_);
  if (keys.ok()) {
    const Status used = member_.UseKeys(*keys);
    if (!used.ok()) Logger("engine").Error("new keys", {{"error", MessageOf(used)}});
    return true;
  }
  if (!rpc::IsRefusal(keys.status()) && keys.status().code() != StatusCode::kNotFound) return true;
  on_refusal_(keys.status());
  return false;
}

}  // namespace strata::engine::app
