#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
  // When the first of the lists is to be replaced (seconds since 1970); nothing if none says.
  std::optional<int64_t> until_s() const { return until_s_; }

  // Of who is revoked: whether both are the same.
  friend bool operator==(const RevocationList& a, const RevocationList& b) {
    return a.revoked_ == b.revoked_;
  }

 private:
  std::set<std::pair<std::string, std::string>> revoked_;  // Issuer, serial.
  std::optional<int64_t> until_s_;
};

}  // namespace strata::tls
