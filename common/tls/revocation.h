#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"
#include "common/tls/identity.h"

namespace strata::tls {

// Which certificates are void: serials with their issuers. A plain value; nothing is revoked by an
// empty one.
class RevocationList {
 public:
  RevocationList() = default;

  // From one or more X.509 revocation lists in PEM, each signed by one of the authorities in
  // `authority_pem`. InvalidArgument: one that cannot be read; FailedPrecondition: one that no
  // authority signed. A list whose next update is overdue counts all the same: what is revoked
  // stays so.
  static StatusOr<RevocationList> Parse(std::string_view revocations_pem,
                                        std::string_view authority_pem);

  bool Contains(const Identity& identity) const {
    return revoked_.contains({identity.issuer, identity.serial});
  }
  size_t size() const { return revoked_.size(); }

 private:
  std::set<std::pair<std::string, std::string>> revoked_;  // Issuer, serial.
};

}  // namespace strata::tls
