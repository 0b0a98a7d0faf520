#include "service_engine/transfer/origin_rest.h"

#include <algorithm>

#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

std::string NameOf(const farm::Origin& origin) {
  return origin.host + ":" + std::to_string(origin.port) + (origin.tls ? "s" : "");
}

}  // namespace

void OriginRest::OnFailure(const farm::Origin& origin, SteadyTime now) {
  absl::MutexLock lock(&mu_);
  if (until_.size() >= kOriginsRestingMax) until_.clear();
  until_[NameOf(origin)] = now + kOriginRest;
}

bool OriginRest::Rests(const farm::Origin& origin, SteadyTime now) const {
  const auto found = until_.find(NameOf(origin));
  return found != until_.end() && found->second > now;
}

bool OriginRest::AllRest(const farm::Site& site, SteadyTime now) const {
  absl::MutexLock lock(&mu_);
  return std::all_of(site.origins.begin(), site.origins.end(),
                     [&](const farm::Origin& origin)
                         ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return Rests(origin, now); });
}

void OriginRest::OnSuccess(const farm::Origin& origin) {
  absl::MutexLock lock(&mu_);
  until_.erase(NameOf(origin));
}

std::vector<farm::Origin> OriginRest::Order(const farm::Site& site, SteadyTime now) const {
  std::vector<farm::Origin> origins = site.origins;
  absl::MutexLock lock(&mu_);
  const auto awake = [&](const farm::Origin& origin)
                         ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !Rests(origin, now); };
  std::stable_partition(origins.begin(), origins.end(), awake);
  return origins;
}

}  // namespace strata::engine::transfer
