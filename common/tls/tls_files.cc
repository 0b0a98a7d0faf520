#include "common/tls/tls_files.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "common/file.h"
#include "common/tls/certificate.h"
#include "common/wall_clock.h"

namespace strata::tls {
namespace {

// The same error, with the file in front.
Status InFile(const std::string& path, const Status& status) {
  if (status.ok()) return status;
  return MakeStatus(status.code(), path + ": " + MessageOf(status));
}

Status CheckPrivate(const std::string& path) {
  struct stat about {};
  // A file that cannot be looked at cannot be read either: that error says more.
  if (stat(path.c_str(), &about) != 0 || (about.st_mode & 077) == 0) return Ok();
  return PermissionDenied(
      "%s: a private key that others than its owner may access (mode %03o); \"chmod 600 %s\" "
      "helps, and a new key if others have read it",
      path.c_str(), about.st_mode & 0777, path.c_str());
}

Status LoadRevocations(const TlsPaths& paths, TlsMaterial& material) {
  if (paths.revocations.empty()) return Ok();
  STRATA_ASSIGN_OR_RETURN(const std::string pem,
                          ReadFile(paths.revocations, kRevocationFileBytesMax));
  StatusOr<RevocationList> list = RevocationList::Parse(pem, material.authority_pem);
  STRATA_RETURN_IF_ERROR(InFile(paths.revocations, list.status()));
  material.revoked = *std::move(list);
  return Ok();
}

Status CheckOwn(const TlsPaths& paths, TlsMaterial& material, int64_t now_s) {
  StatusOr<Identity> own = IdentityOfCertificate(material.certificate_pem);
  STRATA_RETURN_IF_ERROR(InFile(paths.certificate, own.status()));
  material.own = *std::move(own);
  STRATA_RETURN_IF_ERROR(InFile(paths.certificate, CheckValidity(material.own, now_s)));
  STRATA_RETURN_IF_ERROR(
      InFile(paths.key, CheckKeyMatches(material.certificate_pem, material.key_pem)));
  return InFile(paths.certificate + " and " + paths.authority,
                CheckIssuedBy(material.certificate_pem, material.authority_pem));
}

}  // namespace

StatusOr<TlsMaterial> LoadTlsMaterial(const TlsPaths& paths, int64_t now_s) {
  TlsMaterial material;
  STRATA_ASSIGN_OR_RETURN(material.authority_pem, ReadFile(paths.authority, kTlsFileBytesMax));
  STRATA_ASSIGN_OR_RETURN(material.certificate_pem, ReadFile(paths.certificate, kTlsFileBytesMax));
  STRATA_RETURN_IF_ERROR(CheckPrivate(paths.key));
  STRATA_ASSIGN_OR_RETURN(material.key_pem, ReadFile(paths.key, kTlsFileBytesMax));
  STRATA_RETURN_IF_ERROR(CheckOwn(paths, material, now_s));
  STRATA_ASSIGN_OR_RETURN(material.authority_until_s, FirstExpiry(material.authority_pem));
  STRATA_RETURN_IF_ERROR(LoadRevocations(paths, material));
  if (!material.revoked.Contains(material.own)) return material;
  return FailedPrecondition("%s: the certificate of %s is revoked", paths.certificate.c_str(),
                            ToString(material.own).c_str());
}

TlsStore::TlsStore(TlsPaths paths, TlsMaterial material)
    : paths_(std::move(paths)),
      current_(std::make_shared<const TlsMaterial>(std::move(material))) {}

StatusOr<std::shared_ptr<TlsStore>> TlsStore::Open(const TlsPaths& paths) {
  STRATA_ASSIGN_OR_RETURN(TlsMaterial material, LoadTlsMaterial(paths, WallClockSeconds()));
  return std::shared_ptr<TlsStore>(new TlsStore(paths, std::move(material)));
}

Status TlsStore::Reload() {
  const Status status = ReloadAll();
  if (!status.ok()) ReloadRevocations();
  return status;
}

Status TlsStore::ReloadAll() {
  STRATA_ASSIGN_OR_RETURN(TlsMaterial material, LoadTlsMaterial(paths_, WallClockSeconds()));
  auto fresh = std::make_shared<const TlsMaterial>(std::move(material));
  if (IdentityUri(fresh->own) != IdentityUri(Current()->own)) {
    return FailedPrecondition("%s: now that of %s; to become somebody else, restart",
                              paths_.certificate.c_str(), ToString(fresh->own).c_str());
  }
  absl::MutexLock lock(&mu_);
  current_ = std::move(fresh);
  return Ok();
}

void TlsStore::ReloadRevocations() {
  TlsMaterial material = *Current();
  if (!LoadRevocations(paths_, material).ok()) return;
  absl::MutexLock lock(&mu_);
  current_ = std::make_shared<const TlsMaterial>(std::move(material));
}

std::shared_ptr<const TlsMaterial> TlsStore::Current() const {
  absl::MutexLock lock(&mu_);
  return current_;
}

Status TlsStore::Check(const Identity& identity) const {
  if (Current()->revoked.Contains(identity)) {
    return MakeStatus(StatusCode::kUnauthenticated,
                      "the certificate of " + ToString(identity) + " is revoked");
  }
  const Status valid = CheckValidity(identity, WallClockSeconds());
  return valid.ok() ? valid : MakeStatus(StatusCode::kUnauthenticated, MessageOf(valid));
}

}  // namespace strata::tls
