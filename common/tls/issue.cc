#include "common/tls/issue.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <utility>

#include "common/tls/openssl.h"

namespace strata::tls {
namespace {

constexpr int64_t kClockDifferenceSeconds = 7200;  // Between the authority and those who verify.
constexpr int kSerialBytes = 16;

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;
using RevokedPtr = std::unique_ptr<X509_REVOKED, FreeBy<X509_REVOKED_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, FreeBy<ASN1_INTEGER_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, FreeBy<ASN1_TIME_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;

Status OpensslError() { return Internal("OpenSSL: %s", TakeOpensslError().c_str()); }

struct Extension {
  int id;
  const char* value;
};

template <class Write>
StatusOr<std::string> WritePem(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return OpensslError();
  return TextOf(*bio);
}

StatusOr<std::string> KeyPem(EVP_PKEY& key) {
  return WritePem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, &key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

// Unguessable, and different for every certificate.
StatusOr<IntegerPtr> RandomSerial() {
  std::array<unsigned char, kSerialBytes> bytes;
  if (RAND_bytes(bytes.data(), kSerialBytes) != 1) return OpensslError();
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // Positive, of full length.
  const NumberPtr number(BN_bin2bn(bytes.data(), kSerialBytes, nullptr));
  IntegerPtr serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  if (!serial) return OpensslError();
  return serial;
}

Status SetValidity(X509& certificate, const Validity& validity) {
  const bool set =
      ASN1_TIME_set(X509_getm_notBefore(&certificate), validity.from_s - kClockDifferenceSeconds) &&
      ASN1_TIME_set(X509_getm_notAfter(&certificate), validity.to_s);
  return set ? Ok() : OpensslError();
}

Status AddName(X509_NAME* name, int field, const std::string& value) {
  const auto* text = reinterpret_cast<const unsigned char*>(value.data());
  if (X509_NAME_add_entry_by_NID(name, field, MBSTRING_UTF8, text, static_cast<int>(value.size()),
                                 -1, 0) == 1) {
    return Ok();
  }
  return InvalidArgument("\"%s\" cannot be the name of a certificate: %s", value.c_str(),
                         TakeOpensslError().c_str());
}

Status AddExtensions(X509& certificate, X509& issuer, const std::vector<Extension>& extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  for (const Extension& extension : extensions) {
    const ExtensionPtr made(X509V3_EXT_conf_nid(nullptr, &context, extension.id, extension.value));
    if (!made || X509_add_ext(&certificate, made.get(), -1) != 1) return OpensslError();
  }
  return Ok();
}

// A certificate of version 3 with serial, times and key; names, extensions and signature are
// missing.
StatusOr<CertificatePtr> Begin(EVP_PKEY& key, const Validity& validity) {
  CertificatePtr certificate(X509_new());
  STRATA_ASSIGN_OR_RETURN(const IntegerPtr serial, RandomSerial());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_serialNumber(certificate.get(), serial.get()) != 1 ||
      X509_set_pubkey(certificate.get(), &key) != 1) {
    return OpensslError();
  }
  STRATA_RETURN_IF_ERROR(SetValidity(*certificate, validity));
  return certificate;
}

StatusOr<KeyAndCertificate> Finish(X509& certificate, EVP_PKEY& key, EVP_PKEY& signer) {
  if (X509_sign(&certificate, &signer, EVP_sha256()) == 0) return OpensslError();
  KeyAndCertificate result;
  STRATA_ASSIGN_OR_RETURN(result.key_pem, KeyPem(key));
  STRATA_ASSIGN_OR_RETURN(result.certificate_pem, WritePem([&](BIO* bio) {
                            return PEM_write_bio_X509(bio, &certificate);
                          }));
  return result;
}

struct Authority {
  KeyPtr key;
  CertificatePtr certificate;
};

StatusOr<Authority> Open(const KeyAndCertificate& pem) {
  Authority authority;
  STRATA_ASSIGN_OR_RETURN(authority.key, ParseKey(pem.key_pem));
  STRATA_ASSIGN_OR_RETURN(std::vector<CertificatePtr> certificates,
                          ParseCertificates(pem.certificate_pem));
  authority.certificate = std::move(certificates.front());
  if (X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("the authority's key is not that of its certificate");
  }
  return authority;
}

StatusOr<KeyPtr> NewKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return OpensslError();
  return key;
}

Status AddRevoked(X509_CRL& list, const RevokedSerial& revoked) {
  BIGNUM* parsed = nullptr;
  const int digits = BN_hex2bn(&parsed, revoked.serial.c_str());
  const NumberPtr number(parsed);
  if (digits == 0 || static_cast<size_t>(digits) != revoked.serial.size()) {
    return InvalidArgument("\"%s\" is no serial", revoked.serial.c_str());
  }
  const IntegerPtr serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  const TimePtr time(ASN1_TIME_set(nullptr, revoked.at_s));
  RevokedPtr entry(X509_REVOKED_new());
  if (!serial || !time || !entry || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), time.get()) != 1 ||
      X509_CRL_add0_revoked(&list, entry.get()) != 1) {
    return OpensslError();
  }
  static_cast<void>(entry.release());  // The list owns it now.
  return Ok();
}

Status SetUpList(X509_CRL& list, const X509& issuer, uint64_t number, const Validity& validity) {
  const TimePtr from(ASN1_TIME_set(nullptr, validity.from_s));
  const TimePtr to(ASN1_TIME_set(nullptr, validity.to_s));
  const IntegerPtr count(ASN1_INTEGER_new());
  const bool set = from && to && count && ASN1_INTEGER_set_uint64(count.get(), number) == 1 &&
                   X509_CRL_set_version(&list, X509_CRL_VERSION_2) == 1 &&
                   X509_CRL_set_issuer_name(&list, X509_get_subject_name(&issuer)) == 1 &&
                   X509_CRL_set1_lastUpdate(&list, from.get()) == 1 &&
                   X509_CRL_set1_nextUpdate(&list, to.get()) == 1 &&
                   X509_CRL_add1_ext_i2d(&list, NID_crl_number, count.get(), 0, 0) == 1;
  return set ? Ok() : OpensslError();
}

std::string AlternativeNames(const Identity& identity) {
  std::string names = "URI:" + IdentityUri(identity);
  if (identity.role == Role::kManager) names += std::string(",DNS:") + kManagerDnsName;
  return names;
}

}  // namespace

StatusOr<KeyAndCertificate> MakeAuthority(const std::string& name, const Validity& validity) {
  STRATA_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  STRATA_ASSIGN_OR_RETURN(const CertificatePtr certificate, Begin(*key, validity));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  STRATA_RETURN_IF_ERROR(AddName(subject, NID_commonName, name));
  if (X509_set_issuer_name(certificate.get(), subject) != 1) return OpensslError();
  STRATA_RETURN_IF_ERROR(AddExtensions(*certificate, *certificate,
                                       {{NID_basic_constraints, "critical,CA:TRUE"},
                                        {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                        {NID_subject_key_identifier, "hash"}}));
  return Finish(*certificate, *key, *key);
}

StatusOr<KeyAndCertificate> Issue(const KeyAndCertificate& authority_pem, const Identity& identity,
                                  const Validity& validity) {
  // What goes into the extension's text must not be able to add to it.
  STRATA_RETURN_IF_ERROR(CheckScope(identity.scope));
  STRATA_RETURN_IF_ERROR(CheckName(identity.name));
  STRATA_ASSIGN_OR_RETURN(const Authority authority, Open(authority_pem));
  STRATA_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  STRATA_ASSIGN_OR_RETURN(const CertificatePtr certificate, Begin(*key, validity));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  STRATA_RETURN_IF_ERROR(AddName(subject, NID_organizationalUnitName, ToString(identity.role)));
  STRATA_RETURN_IF_ERROR(AddName(subject, NID_commonName, identity.name));
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(authority.certificate.get())) !=
      1) {
    return OpensslError();
  }
  const std::string names = AlternativeNames(identity);
  STRATA_RETURN_IF_ERROR(AddExtensions(*certificate, *authority.certificate,
                                       {{NID_basic_constraints, "critical,CA:FALSE"},
                                        {NID_key_usage, "critical,digitalSignature"},
                                        {NID_ext_key_usage, "serverAuth,clientAuth"},
                                        {NID_subject_alt_name, names.c_str()},
                                        {NID_subject_key_identifier, "hash"},
                                        {NID_authority_key_identifier, "keyid:always"}}));
  return Finish(*certificate, *key, *authority.key);
}

StatusOr<std::string> IssueRevocations(const KeyAndCertificate& authority_pem,
                                       const std::vector<RevokedSerial>& revoked, uint64_t number,
                                       const Validity& validity) {
  STRATA_ASSIGN_OR_RETURN(const Authority authority, Open(authority_pem));
  const RevocationsPtr list(X509_CRL_new());
  if (!list) return OpensslError();
  STRATA_RETURN_IF_ERROR(SetUpList(*list, *authority.certificate, number, validity));
  for (const RevokedSerial& one : revoked) STRATA_RETURN_IF_ERROR(AddRevoked(*list, one));
  X509_CRL_sort(list.get());
  if (X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) == 0) return OpensslError();
  return WritePem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

}  // namespace strata::tls
