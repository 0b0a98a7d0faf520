#include "common/tls/revocation.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <vector>

#include "common/tls/openssl.h"

namespace strata::tls {
namespace {

bool IsSignedBy(X509_CRL& list, X509& authority) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(&list), X509_get_subject_name(&authority)) != 0) {
    return false;
  }
  EVP_PKEY* key = X509_get0_pubkey(&authority);
  return key != nullptr && X509_CRL_verify(&list, key) == 1;
}

bool IsSignedByOneOf(X509_CRL& list, const std::vector<CertificatePtr>& authorities) {
  bool is_signed = false;
  for (const CertificatePtr& authority : authorities) {
    is_signed = is_signed || IsSignedBy(list, *authority);
  }
  ERR_clear_error();
  return is_signed;
}

}  // namespace

StatusOr<RevocationList> RevocationList::Parse(std::string_view revocations_pem,
                                               std::string_view authority_pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> authorities,
                          ParseCertificates(authority_pem));
  STRATA_ASSIGN_OR_RETURN(const std::vector<RevocationsPtr> lists,
                          ParseRevocations(revocations_pem));
  RevocationList result;
  for (const RevocationsPtr& list : lists) {
    const std::string issuer = NameText(X509_CRL_get_issuer(list.get()));
    if (!IsSignedByOneOf(*list, authorities)) {
      return FailedPrecondition("the revocation list of \"%s\" is not signed by an authority",
                                issuer.c_str());
    }
    if (const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list.get()); next != nullptr) {
      STRATA_ASSIGN_OR_RETURN(const int64_t until_s, UnixSeconds(next));
      result.until_s_ = std::min(result.until_s_.value_or(until_s), until_s);
    }
    STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list.get());
    for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
      const X509_REVOKED* entry = sk_X509_REVOKED_value(revoked, i);
      result.revoked_.emplace(issuer, SerialText(X509_REVOKED_get0_serialNumber(entry)));
    }
  }
  return result;
}

}  // namespace strata::tls
