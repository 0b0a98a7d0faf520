#include "common/tls/test_authority.h"

#include <sys/stat.h>

#include <fstream>
#include <utility>

#include "common/check.h"
#include "common/file.h"
#include "common/tls/certificate.h"
#include "common/wall_clock.h"

namespace strata::tls {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr size_t kFileBytesMax = 1 << 16;

Validity ADay() {
  const int64_t now_s = WallClockSeconds();
  return {.from_s = now_s, .to_s = now_s + kDaySeconds};
}

}  // namespace

void WriteTestFile(const std::string& path, const std::string& content, unsigned mode) {
  std::ofstream file(path, std::ios::trunc);
  file << content;
  file.close();
  STRATA_CHECK(file.good());
  STRATA_CHECK(chmod(path.c_str(), mode) == 0);
}

TestAuthority::TestAuthority(std::string folder) : folder_(std::move(folder)) {
  StatusOr<KeyAndCertificate> made = MakeAuthority(
      "Test authority of " + folder_.substr(folder_.size() > 40 ? folder_.size() - 40 : 0), ADay());
  STRATA_CHECK(made.ok());
  pem_ = *std::move(made);
  WriteTestFile(folder_ + "/ca.pem", pem_.certificate_pem, 0644);
  WriteRevocations();
}

TlsPaths TestAuthority::Issue(const std::string& uri) { return Issue(uri, ADay()); }

TlsPaths TestAuthority::Issue(const std::string& uri, const Validity& validity) {
  const StatusOr<Identity> identity = ParseIdentityUri(uri);
  STRATA_CHECK(identity.ok());
  const StatusOr<KeyAndCertificate> issued = tls::Issue(pem_, *identity, validity);
  STRATA_CHECK(issued.ok());
  TlsPaths paths{.authority = folder_ + "/ca.pem",
                 .certificate = folder_ + "/" + identity->name + ".pem",
                 .key = folder_ + "/" + identity->name + ".key",
                 .revocations = folder_ + "/crl.pem"};
  WriteTestFile(paths.certificate, issued->certificate_pem, 0644);
  WriteTestFile(paths.key, issued->key_pem, 0600);
  return paths;
}

void TestAuthority::Revoke(const TlsPaths& paths) {
  const StatusOr<std::string> pem = ReadFile(paths.certificate, kFileBytesMax);
  STRATA_CHECK(pem.ok());
  const StatusOr<Identity> identity = IdentityOfCertificate(*pem);
  STRATA_CHECK(identity.ok());
  revoked_.push_back({.serial = identity->serial, .at_s = WallClockSeconds()});
  WriteRevocations();
}

void TestAuthority::WriteRevocations() {
  const StatusOr<std::string> list = IssueRevocations(pem_, revoked_, ++lists_, ADay());
  STRATA_CHECK(list.ok());
  WriteTestFile(folder_ + "/crl.pem", *list, 0644);
}

}  // namespace strata::tls
