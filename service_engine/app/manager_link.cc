#include "service_engine/app/manager_link.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::engine::app {
namespace {

constexpr Duration kRenewEvery = std::chrono::seconds(1);
// Managers above the farm hear of a new content once its URI is known.
constexpr Duration kTellUrisEvery = std::chrono::milliseconds(20);
constexpr size_t kUrisPerCall = 5000;

}  // namespace

ManagerLink::ManagerLink(rpc::ManagerClient& client, farm::FarmMember& member,
                         InventoryTeller& teller, FarmTable& table, Bytes instance,
                         uint64_t registration, std::function<void(const Status&)> on_refusal)
    : client_(client),
      member_(member),
      teller_(teller),
      table_(table),
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
  Timestamp renew_at = multicast::Now() + kRenewEvery;
  while (!AwaitStop(kTellUrisEvery)) {
    const bool renews = renew_at <= multicast::Now();
    if (renews) {
      if (!Renew()) return;
      renew_at = multicast::Now() + kRenewEvery;
    }
    // Those that could not be told are told again with the next renewal.
    if (uris.empty() || renews) TellUris(uris);
    if (renews) client_.TellWaitingUris();
  }
}

bool ManagerLink::AwaitStop(Duration limit) {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(limit));
}

void ManagerLink::TellUris(std::vector<std::string>& uris) {
  if (uris.empty()) uris = teller_.TakeUris(kUrisPerCall);
  while (!uris.empty() && client_.TellUris(uris).ok()) uris = teller_.TakeUris(kUrisPerCall);
}

bool ManagerLink::Renew() {
  const StatusOr<rpc::Renewal> renewal = client_.Renew(instance_, registration_);
  if (renewal.ok()) {
    Take(*renewal);
    return true;
  }
  const Status& why = renewal.status();
  if (!rpc::IsRefusal(why) && why.code() != StatusCode::kNotFound) return true;
  on_refusal_(why);
  return false;
}

void ManagerLink::Take(const rpc::Renewal& renewal) {
  const Logger log("engine");
  const Status used = member_.UseKeys(renewal.keys);
  if (!used.ok()) log.Error("new keys", {{"error", MessageOf(used)}});
  if (renewal.weights) table_.SetWeights(*renewal.weights);
  if (renewal.differed_at == 0 || renewal.differed_at == differed_at_) return;
  log.Error("the state here is another one than the manager's: it is taken anew",
            {{"verification", renewal.differed_at}});
  if (member_.StartOver().ok()) differed_at_ = renewal.differed_at;
}

}  // namespace strata::engine::app
