#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "common/tls/identity.h"

// A small certificate authority, in memory: EC P-256 keys, X.509 certificates in PEM. The files are
// cli/pki's. Errors are OpenSSL's, or InvalidArgument for what cannot be written in a certificate.

namespace strata::tls {

// What a client may ask a manager's certificate for, whatever address it has.
inline constexpr const char* kManagerDnsName = "manager.strata";

inline constexpr size_t kAuthorityNameBytesMax = 64;

struct KeyAndCertificate {
  std::string key_pem;
  std::string certificate_pem;
};

struct RevokedSerial {
  std::string serial;  // Hexadecimal.
  int64_t at_s = 0;
};

// Seconds since 1970; a certificate is valid from a little before, for clocks that differ.
struct Validity {
  int64_t from_s = 0;
  int64_t to_s = 0;
};

// A new authority that signs its own certificate.
StatusOr<KeyAndCertificate> MakeAuthority(const std::string& name, const Validity& validity);

// A new key, and a certificate for role, scope and name of `identity`; a manager's also has the DNS
// name kManagerDnsName.
StatusOr<KeyAndCertificate> Issue(const KeyAndCertificate& authority, const Identity& identity,
                                  const Validity& validity);

// A revocation list of all these serials. `number` grows with each list.
StatusOr<std::string> IssueRevocations(const KeyAndCertificate& authority,
                                       const std::vector<RevokedSerial>& revoked, uint64_t number,
                                       const Validity& validity);

}  // namespace strata::tls
