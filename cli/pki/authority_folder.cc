#include "cli/pki/authority_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/atomic_file.h"
#include "common/file.h"
#include "common/system_random.h"
#include "common/tls/certificate.h"

namespace strata::cli {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr size_t kFileBytesMax = 32 << 20;
constexpr unsigned kPrivate = 0600;
constexpr unsigned kPublic = 0644;

Status MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return Ok();
  return Unavailable("cannot make the folder %s: %s", folder.c_str(), error.message().c_str());
}

// "Strata authority 3f2a9c01": no two authorities of the same name, whose serials could be
// confused.
std::string NewAuthorityName() {
  SystemRandom random;
  char text[64];
  snprintf(text, sizeof text, "Strata authority %08x",
           static_cast<unsigned>(random.Next() & 0xffffffff));
  return text;
}

Status CheckPrivate(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0 || (about.st_mode & 077) == 0) return Ok();
  return PermissionDenied(
      "%s: the authority's key, and others than its owner may access it (mode %03o); "
      "\"chmod 600 %s\" helps",
      path.c_str(), about.st_mode & 0777, path.c_str());
}

StatusOr<int> LockFolder(const std::string& folder) {
  const std::string path = folder + "/.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Unavailable("%s: %s", path.c_str(), strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return FailedPrecondition("%s: another strata pki is at work there; try again when it is done",
                            folder.c_str());
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

bool IsGood(const Issued& issued, int64_t now_s) {
  return issued.revoked_at_s == 0 && issued.identity.not_after_s > now_s;
}

}  // namespace

AuthorityFolder::AuthorityFolder(std::string folder, int lock)
    : folder_(std::move(folder)), lock_(lock) {}

AuthorityFolder::~AuthorityFolder() { close(lock_); }

Status AuthorityFolder::Create(const std::string& folder, const std::string& scope,
                               const std::optional<std::string>& name, int64_t now_s) {
  STRATA_RETURN_IF_ERROR(CheckAuthorityScope(scope));
  STRATA_RETURN_IF_ERROR(MakeFolder(folder));
  STRATA_ASSIGN_OR_RETURN(const int lock, LockFolder(folder));
  AuthorityFolder made(folder, lock);
  for (const char* file : {"/ca.pem", "/ca.key", "/index.txt"}) {
    if (!Exists(folder + file)) continue;
    return AlreadyExists("%s%s is there already: an authority is made once, and never replaced",
                         folder.c_str(), file);
  }
  made.index_.scope = scope;
  made.index_.valid_until_s = now_s + kAuthorityDays * kDaySeconds;
  STRATA_ASSIGN_OR_RETURN(made.authority_,
                          tls::MakeAuthority(name.value_or(NewAuthorityName()),
                                             {.from_s = now_s, .to_s = made.index_.valid_until_s}));
  STRATA_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/ca.key", made.authority_.key_pem, kPrivate));
  STRATA_RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/ca.pem", made.authority_.certificate_pem, kPublic));
  return made.SaveRevocations(now_s);
}

StatusOr<std::unique_ptr<AuthorityFolder>> AuthorityFolder::Open(const std::string& folder) {
  if (!Exists(folder + "/ca.key")) {
    return NotFound("%s: no authority there; \"strata pki init --dir %s --scope SCOPE\" makes one",
                    folder.c_str(), folder.c_str());
  }
  STRATA_ASSIGN_OR_RETURN(const int lock, LockFolder(folder));
  std::unique_ptr<AuthorityFolder> opened(new AuthorityFolder(folder, lock));
  STRATA_RETURN_IF_ERROR(opened->Load());
  return opened;
}

Status AuthorityFolder::Load() {
  STRATA_RETURN_IF_ERROR(CheckPrivate(folder_ + "/ca.key"));
  STRATA_ASSIGN_OR_RETURN(authority_.key_pem, ReadFile(folder_ + "/ca.key", kFileBytesMax));
  STRATA_ASSIGN_OR_RETURN(authority_.certificate_pem, ReadFile(folder_ + "/ca.pem", kFileBytesMax));
  const std::string path = folder_ + "/index.txt";
  STRATA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kFileBytesMax));
  StatusOr<PkiIndex> index = ParsePkiIndex(text);
  if (!index.ok()) return DataLoss("%s: %s", path.c_str(), MessageOf(index.status()).c_str());
  index_ = *std::move(index);
  return Ok();
}

Status AuthorityFolder::SaveIndex() const {
  return WriteFileAtomically(folder_ + "/index.txt", Format(index_), kPublic);
}

Status AuthorityFolder::SaveRevocations(int64_t now_s) {
  std::vector<tls::RevokedSerial> revoked;
  for (const Issued& issued : index_.issued) {
    if (issued.revoked_at_s == 0) continue;
    revoked.push_back({.serial = issued.identity.serial, .at_s = issued.revoked_at_s});
  }
  ++index_.revocation_list;
  STRATA_RETURN_IF_ERROR(SaveIndex());
  STRATA_ASSIGN_OR_RETURN(const std::string list,
                          IssueRevocations(authority_, revoked, index_.revocation_list,
                                           {.from_s = now_s, .to_s = index_.valid_until_s}));
  return WriteFileAtomically(folder_ + "/crl.pem", list, kPublic);
}

Status AuthorityFolder::CheckRequest(const tls::Identity& identity, const Request& request,
                                     int64_t now_s) const {
  STRATA_RETURN_IF_ERROR(tls::CheckName(identity.name));
  if (identity.scope == kEveryScope) {
    return InvalidArgument("this authority issues for every scope: say which one it is");
  }
  STRATA_RETURN_IF_ERROR(tls::CheckScope(identity.scope));
  if (!IssuesFor(index_.scope, identity.scope)) {
    return InvalidArgument("this authority issues for %s and what lies below, not for %s",
                           index_.scope.c_str(), identity.scope.c_str());
  }
  if (now_s >= index_.valid_until_s) {
    return FailedPrecondition("the authority itself expired at %s; make a new one elsewhere",
                              tls::FormatUtc(index_.valid_until_s).c_str());
  }
  if (index_.issued.size() >= kIssuedMax) {
    return ResourceExhausted("this authority has issued %zu certificates, which is its limit",
                             kIssuedMax);
  }
  const std::string uri = IdentityUri(identity);
  const bool is_there =
      std::any_of(index_.issued.begin(), index_.issued.end(), [&](const Issued& issued) {
        return IsGood(issued, now_s) && IdentityUri(issued.identity) == uri;
      });
  if (!is_there || request.again) return Ok();
  return AlreadyExists(
      "%s has a certificate that is good still; \"strata pki renew\" makes another one, \"strata "
      "pki revoke\" ends it",
      ToString(identity).c_str());
}

StatusOr<AuthorityFolder::Result> AuthorityFolder::Issue(const Request& request, int64_t now_s) {
  Result result;
  result.identity.role = request.role;
  result.identity.name = request.name;
  result.identity.scope = request.scope.empty() ? index_.scope : request.scope;
  STRATA_RETURN_IF_ERROR(CheckRequest(result.identity, request, now_s));
  const int64_t to_s = std::min(now_s + request.days * kDaySeconds, index_.valid_until_s);
  STRATA_ASSIGN_OR_RETURN(const tls::KeyAndCertificate issued,
                          tls::Issue(authority_, result.identity, {.from_s = now_s, .to_s = to_s}));
  STRATA_ASSIGN_OR_RETURN(result.identity, tls::IdentityOfCertificate(issued.certificate_pem));
  result.folder = request.out.value_or(folder_ + "/issued/" + result.identity.scope + "/" +
                                       ToString(request.role) + "/" + request.name);
  STRATA_RETURN_IF_ERROR(MakeFolder(result.folder));
  // First what can be revoked, then what can be used.
  index_.issued.push_back({.identity = result.identity, .revoked_at_s = 0});
  STRATA_RETURN_IF_ERROR(SaveIndex());
  STRATA_RETURN_IF_ERROR(
      WriteFileAtomically(result.folder + "/ca.pem", authority_.certificate_pem, kPublic));
  STRATA_RETURN_IF_ERROR(WriteFileAtomically(result.folder + "/key.pem", issued.key_pem, kPrivate));
  STRATA_RETURN_IF_ERROR(
      WriteFileAtomically(result.folder + "/certificate.pem", issued.certificate_pem, kPublic));
  return result;
}

StatusOr<std::vector<Issued>> AuthorityFolder::Revoke(std::string_view who, int64_t now_s) {
  STRATA_ASSIGN_OR_RETURN(const std::vector<size_t> found, FindIssued(index_, who));
  std::vector<Issued> revoked;
  for (const size_t position : found) {
    Issued& issued = index_.issued[position];
    if (issued.revoked_at_s != 0) continue;
    issued.revoked_at_s = now_s;
    revoked.push_back(issued);
  }
  STRATA_RETURN_IF_ERROR(SaveRevocations(now_s));
  return revoked;
}

}  // namespace strata::cli
