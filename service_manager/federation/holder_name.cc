#include "service_manager/federation/holder_name.h"

#include <xxhash.h>

#include "service_manager/directory/location_digest.h"

namespace strata::manager::federation {

std::string ToString(const HolderName& name) {
  return name.engine.empty() ? name.scope : "engine " + name.engine + " of " + name.scope;
}

HolderIdentity IdentityOf(const HolderName& name) {
  std::string text = name.scope;
  text += '\0';
  text += name.engine;
  return HolderIdentity(XXH64(text.data(), text.size(), 0));
}

uint64_t FeedDigestOf(const farm::ContentKey& key, HolderIdentity holder,
                      directory::LocationFlags flags) {
  using directory::Mixed;
  return Mixed(Mixed(Mixed(key.high + 0x9e3779b97f4a7c15) + key.low) +
               Mixed(holder.value() + flags));
}

}  // namespace strata::manager::federation
