#include <string>

#include "common/check.h"
#include "common/tls/certificate.h"
#include "common/tls/revocation.h"

// Whatever names an identity names one that is written and read as the same; nothing else matters
// but to survive.

namespace strata::tls {
namespace {

void CheckCertificate(std::string_view pem) {
  const StatusOr<Identity> identity = IdentityOfCertificate(pem);
  if (!identity.ok()) return;
  const StatusOr<Identity> again = ParseIdentityUri(IdentityUri(*identity));
  STRATA_CHECK(again.ok() && IdentityUri(*again) == IdentityUri(*identity));
  STRATA_CHECK(CheckScope(identity->scope).ok() && CheckName(identity->name).ok());
}

}  // namespace
}  // namespace strata::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::tls::CheckCertificate(text);
  static_cast<void>(strata::tls::ParseIdentityUri(text));
  static_cast<void>(strata::tls::RevocationList::Parse(text, text));
  return 0;
}
