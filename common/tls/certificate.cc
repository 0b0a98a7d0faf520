#include "common/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/tls/openssl.h"

namespace strata::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeBy<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeBy<X509_STORE_CTX_free>>;

void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeBy<FreeStack>>;

std::optional<std::string_view> UriOf(const GENERAL_NAME& name) {
  if (name.type != GEN_URI) return std::nullopt;
  const ASN1_IA5STRING* uri = name.d.uniformResourceIdentifier;
  return std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                          static_cast<size_t>(ASN1_STRING_length(uri)));
}

StatusOr<Identity> IdentityInNames(const X509& certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<Identity> found;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::optional<std::string_view> uri = UriOf(*sk_GENERAL_NAME_value(names.get(), i));
    if (!uri || !uri->starts_with("strata:")) continue;
    if (found) return InvalidArgument("the certificate has more than one strata:// name");
    StatusOr<Identity> identity = ParseIdentityUri(*uri);
    if (!identity.ok()) {
      return InvalidArgument("the certificate's name: %s", MessageOf(identity.status()).c_str());
    }
    found = *std::move(identity);
  }
  ERR_clear_error();
  if (!found) {
    return InvalidArgument(
        "the certificate has no name strata://SCOPE/ROLE/NAME among its URI alternative names");
  }
  return *std::move(found);
}

StatusOr<StorePtr> StoreOf(std::string_view authority_pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> authorities,
                          ParseCertificates(authority_pem));
  StorePtr store(X509_STORE_new());
  for (const CertificatePtr& authority : authorities) {
    if (!store || X509_STORE_add_cert(store.get(), authority.get()) != 1) {
      return Internal("OpenSSL: %s", TakeOpensslError().c_str());
    }
  }
  return store;
}

}  // namespace

StatusOr<Identity> IdentityOfCertificate(std::string_view pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates, ParseCertificates(pem));
  const X509& certificate = *certificates.front();
  STRATA_ASSIGN_OR_RETURN(Identity identity, IdentityInNames(certificate));
  identity.serial = SerialText(X509_get0_serialNumber(&certificate));
  identity.issuer = NameText(X509_get_issuer_name(&certificate));
  STRATA_ASSIGN_OR_RETURN(identity.not_before_s, UnixSeconds(X509_get0_notBefore(&certificate)));
  STRATA_ASSIGN_OR_RETURN(identity.not_after_s, UnixSeconds(X509_get0_notAfter(&certificate)));
  return identity;
}

Status CheckValidity(const Identity& identity, int64_t now_s) {
  if (now_s < identity.not_before_s) {
    return FailedPrecondition("the certificate of %s is not valid before %s",
                              ToString(identity).c_str(), FormatUtc(identity.not_before_s).c_str());
  }
  if (now_s > identity.not_after_s) {
    return FailedPrecondition("the certificate of %s expired at %s", ToString(identity).c_str(),
                              FormatUtc(identity.not_after_s).c_str());
  }
  return Ok();
}

StatusOr<int64_t> FirstExpiry(std::string_view pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates, ParseCertificates(pem));
  int64_t first_s = INT64_MAX;
  for (const CertificatePtr& certificate : certificates) {
    STRATA_ASSIGN_OR_RETURN(const int64_t until_s,
                            UnixSeconds(X509_get0_notAfter(certificate.get())));
    first_s = std::min(first_s, until_s);
  }
  return first_s;
}

Status CheckKeyMatches(std::string_view certificate_pem, std::string_view key_pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> certificates,
                          ParseCertificates(certificate_pem));
  STRATA_ASSIGN_OR_RETURN(const KeyPtr key, ParseKey(key_pem));
  const bool matches = X509_check_private_key(certificates.front().get(), key.get()) == 1;
  ERR_clear_error();
  return matches ? Ok() : FailedPrecondition("the private key is not that of the certificate");
}

Status CheckIssuedBy(std::string_view chain_pem, std::string_view authority_pem) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<CertificatePtr> chain, ParseCertificates(chain_pem));
  STRATA_ASSIGN_OR_RETURN(const StorePtr store, StoreOf(authority_pem));
  const StackPtr between(sk_X509_new_null());
  for (const CertificatePtr& certificate : chain) {
    if (!between || sk_X509_push(between.get(), certificate.get()) <= 0) {
      return Internal("OpenSSL: %s", TakeOpensslError().c_str());
    }
  }
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!context ||
      X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), between.get()) != 1) {
    return Internal("OpenSSL: %s", TakeOpensslError().c_str());
  }
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  const bool verified = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (verified) return Ok();
  return FailedPrecondition("the certificate does not come from the authority (%s)",
                            X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
}

std::string FormatUtc(int64_t unix_s) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds instant{chrono::seconds(unix_s)};
  const auto day = chrono::floor<chrono::days>(instant);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss time(instant - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d UTC", int{date.year()},
                unsigned{date.month()}, unsigned{date.day()},
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

}  // namespace strata::tls
