#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include <memory>

#include "cli/doctor/as_user.h"
#include "cli/doctor/gather.h"
#include "common/file.h"
#include "common/tls/certificate.h"
#include "common/tls/tls_files.h"
#include "common/wall_clock.h"

namespace strata::cli::doctor {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

FileFacts GatherFile(const char* setting, const std::string& path, const std::string& user) {
  FileFacts facts{.setting = setting, .path = path};
  const StatusOr<std::string> content = ReadFile(path, tls::kRevocationFileBytesMax);
  facts.exists = content.ok() || content.status().code() != StatusCode::kNotFound;
  const AsUser as(user);
  const int problem = MayRead(path);
  facts.readable = problem == 0;
  if (problem != 0) facts.problem = strerror(problem);
  return facts;
}

// When the first certificate in a file ends, if it has one.
std::optional<int64_t> EndOf(const std::string& path) {
  const StatusOr<std::string> pem = ReadFile(path, tls::kTlsFileBytesMax);
  if (!pem.ok()) return std::nullopt;
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  const std::unique_ptr<X509, FreeCertificate> certificate(
      bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  int days = 0;
  int seconds = 0;
  if (!certificate ||
      ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1) {
    return std::nullopt;
  }
  return WallClockSeconds() + int64_t{days} * 86400 + seconds;
}

}  // namespace

CertificateFacts GatherCertificates(const Subject& subject) {
  const tls::TlsPaths& paths = subject.tls;
  const bool is_command = subject.settings.kind == Kind::kCommand;
  CertificateFacts facts;
  facts.user = subject.user;
  facts.has_revocations = !paths.revocations.empty();
  const auto look = [&](const char* setting, const std::string& path) {
    facts.files.push_back(GatherFile(setting, path, subject.user));
  };
  look(is_command ? "ca" : "tls.authority", paths.authority);
  look(is_command ? "certificate" : "tls.certificate", paths.certificate);
  look(is_command ? "key" : "tls.key", paths.key);
  if (facts.has_revocations) look(is_command ? "revocations" : "tls.revoked", paths.revocations);

  const StatusOr<std::string> pem = ReadFile(paths.certificate, tls::kTlsFileBytesMax);
  const auto identity =
      pem.ok() ? tls::IdentityOfCertificate(*pem) : StatusOr<tls::Identity>(pem.status());
  if (identity.ok()) {
    facts.owner = ToString(*identity);
    facts.role = ToString(identity->role);
    facts.not_before_s = identity->not_before_s;
    facts.not_after_s = identity->not_after_s;
  }
  const StatusOr<tls::TlsMaterial> material = tls::LoadTlsMaterial(paths, WallClockSeconds());
  if (!material.ok()) facts.problem = MessageOf(material.status());
  if (material.ok()) facts.revoked = material->revoked.size();
  facts.authority_not_after_s = EndOf(paths.authority);
  return facts;
}

}  // namespace strata::cli::doctor
