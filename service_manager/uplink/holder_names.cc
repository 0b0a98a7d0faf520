#include "service_manager/uplink/holder_names.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "service_manager/federation/feed/feed_limits.h"

namespace strata::manager::uplink {

using directory::Holder;

bool HolderNames::Knows(Holder holder) {
  return known_.contains(holder) || (!refused_.contains(holder) && Ask(holder));
}

bool HolderNames::Ask(Holder holder) {
  std::optional<federation::Introduction> introduction = name_of_(holder);
  if (!introduction) {
    unnamed_.insert(holder);
    return false;
  }
  if (unnamed_.erase(holder) > 0) named_ = true;
  auto& clients = introduction->clients;
  if (clients.size() > federation::kFeedEndpointsMax) {
    clients.resize(federation::kFeedEndpointsMax);
  }
  const federation::HolderIdentity identity = federation::IdentityOf(introduction->name);
  known_[holder] = {*std::move(introduction), identity};
  fresh_.push_back(holder);
  return true;
}

federation::HolderIdentity HolderNames::identity(Holder holder) const {
  return known_.at(holder).identity;
}

void HolderNames::Renew(Holder holder) {
  if (known_.contains(holder) || unnamed_.contains(holder)) Ask(holder);
}

void HolderNames::Introduce(federation::FeedSender& sender) {
  for (const Holder holder : std::exchange(fresh_, {})) {
    const auto found = known_.find(holder);
    if (found == known_.end()) continue;
    const Status status = sender.SetHolder(found->second.introduction);
    if (status.ok()) continue;
    Logger("uplink").Warning("the parent cannot be told of a holder",
                             {{"holder", federation::ToString(found->second.introduction.name)},
                              {"why", MessageOf(status)}});
    known_.erase(found);
    refused_.insert(holder);
  }
}

federation::RangeSet HolderNames::TakeNamed() {
  return std::exchange(named_, false) ? std::exchange(untold_, {}) : federation::RangeSet();
}

}  // namespace strata::manager::uplink
