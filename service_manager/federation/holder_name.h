#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "common/strong_id.h"
#include "farm/content_key.h"
#include "service_manager/directory/location.h"

namespace strata::manager::federation {

// Who holds a copy, the same at every level. docs/protocols/federation.md, 1.
struct HolderName {
  std::string scope;   // "cdn-one/dc-two/lan-a"
  std::string engine;  // Empty: the scope as a whole has it, somewhere.

  friend auto operator<=>(const HolderName&, const HolderName&) = default;
};

// "engine north-1 of cdn-one/lan-a", "cdn-one/lan-a".
std::string ToString(const HolderName& name);

// The same for a name at every manager, for ever; numbers of holders are each manager's own.
using HolderIdentity = StrongId<struct HolderIdentityTag, uint64_t>;
HolderIdentity IdentityOf(const HolderName& name);

// What one copy that the parent knows adds to the digest of its range: sums of these, modulo 2^64.
// docs/protocols/federation.md, 3.1.
uint64_t FeedDigestOf(const farm::ContentKey& key, HolderIdentity holder,
                      directory::LocationFlags flags);

}  // namespace strata::manager::federation
