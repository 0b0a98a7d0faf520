#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/status.h"
#include "common/tls/identity.h"

namespace strata::tls {

// Who the first certificate of a PEM text says its owner is. InvalidArgument: no certificate, or
// not exactly one good strata:// URI in it. Whether its issuer is to be believed is another
// question.
StatusOr<Identity> IdentityOfCertificate(std::string_view pem);

// FailedPrecondition before and after the time in which the certificate is valid.
Status CheckValidity(const Identity& identity, int64_t now_s);

// When the first of all certificates in a PEM text expires (seconds since 1970). InvalidArgument:
// none.
StatusOr<int64_t> FirstExpiry(std::string_view pem);

// FailedPrecondition: `key_pem` is not the key of the first certificate in `certificate_pem`.
Status CheckKeyMatches(std::string_view certificate_pem, std::string_view key_pem);

// FailedPrecondition with OpenSSL's reason: no chain of the certificates in `chain_pem`, its own
// first, leads to one in `authority_pem`. Times are not checked.
Status CheckIssuedBy(std::string_view chain_pem, std::string_view authority_pem);

// "2026-11-20 18:04:05 UTC".
std::string FormatUtc(int64_t unix_s);

}  // namespace strata::tls
