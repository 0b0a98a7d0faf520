#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

// OpenSSL's objects with owners, and its texts, for the files of this folder only.

namespace strata::tls {

template <auto kFree>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeBy<X509_free>>;
using RevocationsPtr = std::unique_ptr<X509_CRL, FreeBy<X509_CRL_free>>;

inline constexpr size_t kPemBlocksMax = 64;  // Certificates or revocation lists in one file.

// A BIO that reads `text`, which must outlive it.
BioPtr ReaderOf(std::string_view text);
std::string TextOf(BIO& bio);

// OpenSSL's own words for what just failed; it also forgets them.
std::string TakeOpensslError();

// All blocks of a kind, in their order; what else stands in the text does not count.
// InvalidArgument: none, too many, or one that cannot be read.
StatusOr<std::vector<CertificatePtr>> ParseCertificates(std::string_view pem);
StatusOr<std::vector<RevocationsPtr>> ParseRevocations(std::string_view pem);
StatusOr<KeyPtr> ParseKey(std::string_view pem);

std::string NameText(const X509_NAME* name);         // RFC 2253.
std::string SerialText(const ASN1_INTEGER* serial);  // Upper-case hexadecimal.
StatusOr<int64_t> UnixSeconds(const ASN1_TIME* time);

}  // namespace strata::tls
