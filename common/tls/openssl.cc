#include "common/tls/openssl.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>
#include <cstdint>
#include <memory>
#include <utility>

namespace strata::tls {
namespace {

// A key with a password must not make the program ask for one.
int NoPassword(char*, int, int, void*) { return 0; }

bool AtEnd() {
  const unsigned long error = ERR_peek_last_error();
  return error == 0 ||
         (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
}

template <class Pointer, class Read>
StatusOr<std::vector<Pointer>> ParseBlocks(std::string_view pem, const char* what, Read read) {
  ERR_clear_error();
  const BioPtr bio = ReaderOf(pem);
  if (!bio) return InvalidArgument("too long for %s", what);
  std::vector<Pointer> blocks;
  while (Pointer block{read(bio.get())}) {
    blocks.push_back(std::move(block));
    if (blocks.size() > kPemBlocksMax) {
      ERR_clear_error();
      return InvalidArgument("more than %zu times %s", kPemBlocksMax, what);
    }
  }
  if (!AtEnd()) {
    return InvalidArgument("%s that cannot be read: %s", what, TakeOpensslError().c_str());
  }
  ERR_clear_error();
  if (blocks.empty()) return InvalidArgument("no %s in it", what);
  return blocks;
}

}  // namespace

BioPtr ReaderOf(std::string_view text) {
  if (text.size() > INT_MAX) return nullptr;
  // An empty text may have no address, which OpenSSL refuses.
  return BioPtr(BIO_new_mem_buf(text.empty() ? "" : text.data(), static_cast<int>(text.size())));
}

std::string TextOf(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string TakeOpensslError() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (error == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

StatusOr<std::vector<CertificatePtr>> ParseCertificates(std::string_view pem) {
  return ParseBlocks<CertificatePtr>(pem, "certificate", [](BIO* bio) {
    return PEM_read_bio_X509(bio, nullptr, NoPassword, nullptr);
  });
}

StatusOr<std::vector<RevocationsPtr>> ParseRevocations(std::string_view pem) {
  return ParseBlocks<RevocationsPtr>(pem, "revocation list", [](BIO* bio) {
    return PEM_read_bio_X509_CRL(bio, nullptr, NoPassword, nullptr);
  });
}

StatusOr<KeyPtr> ParseKey(std::string_view pem) {
  ERR_clear_error();
  const BioPtr bio = ReaderOf(pem);
  if (!bio) return InvalidArgument("too long for a private key");
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (!key) {
    return InvalidArgument("no private key without a password in it (%s)",
                           TakeOpensslError().c_str());
  }
  return key;
}

std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "";
  return TextOf(*bio);
}

std::string SerialText(const ASN1_INTEGER* serial) {
  BIGNUM* number = ASN1_INTEGER_to_BN(serial, nullptr);
  if (number == nullptr) return "";
  char* text = BN_bn2hex(number);
  std::string result = text == nullptr ? "" : text;
  OPENSSL_free(text);
  BN_free(number);
  return result;
}

StatusOr<int64_t> UnixSeconds(const ASN1_TIME* time) {
  constexpr int64_t kDaySeconds = 86400;
  const std::unique_ptr<ASN1_TIME, FreeBy<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (!epoch || time == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    ERR_clear_error();
    return InvalidArgument("a time that cannot be read");
  }
  return days * kDaySeconds + seconds;
}

}  // namespace strata::tls
