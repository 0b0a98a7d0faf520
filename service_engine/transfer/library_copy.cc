#include "service_engine/transfer/library_copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace strata::engine::transfer {
namespace {

// nginx's workers read what is in a library.
constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
// Room that copies leave to others on their disk.
constexpr uint64_t kReserveBytes = 256ull << 20;
constexpr uint64_t kReserveShare = 20;  // Of a small disk: a twentieth.

Status Failed(const char* what, const std::string& path) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return MakeStatus(full ? StatusCode::kResourceExhausted : StatusCode::kUnavailable,
                    std::string(what) + " " + path + ": " + std::strerror(error));
}

// The folder `name` of `parent`, made if it is not there. No link: it would lead elsewhere.
StatusOr<UniqueFd> EnterFolder(int parent, const std::string& name) {
  const bool made = mkdirat(parent, name.c_str(), kFolderMode) == 0;
  if (!made && errno != EEXIST) return Failed("make", name);
  UniqueFd folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return Failed("open", name);
  if (made && fchmod(folder.get(), kFolderMode) != 0) return Failed("give rights to", name);
  if (made && fsync(parent) != 0) return Failed("sync the folder of", name);
  return folder;
}

}  // namespace

StatusOr<std::unique_ptr<LibraryCopy>> LibraryCopy::Begin(const std::string& folder,
                                                          const std::string& path,
                                                          const std::string& name) {
  // The folder of a site may itself be a link.
  UniqueFd site(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!site.valid()) return Failed("open", folder);
  STRATA_RETURN_IF_ERROR(EnterFolder(site.get(), kCopyingFolder).status());
  std::unique_ptr<LibraryCopy> copy(
      new LibraryCopy(std::move(site), path, std::string(kCopyingFolder) + "/" + name));
  copy->file_ = UniqueFd(openat(copy->folder_.get(), copy->temporary_.c_str(),
                                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!copy->file_.valid()) return Failed("make", copy->temporary_);
  if (fchmod(copy->file_.get(), kFileMode) != 0) return Failed("give rights to", name);
  return copy;
}

LibraryCopy::~LibraryCopy() {
  if (!published_) unlinkat(folder_.get(), temporary_.c_str(), 0);
}

Status LibraryCopy::Append(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("write", temporary_);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return Ok();
}

Status LibraryCopy::Finish(const std::string& last_modified) {
  struct tm date {};
  const char* end = strptime(last_modified.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (end != nullptr && *end == '\0') {
    timespec times[2]{};
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = timegm(&date);
    if (futimens(file_.get(), times) != 0) return Failed("set the time of", temporary_);
  }
  if (fsync(file_.get()) != 0) return Failed("sync", temporary_);
  file_ = UniqueFd();  // Whoever has it open for writing keeps it from being served.
  return Ok();
}

Status LibraryCopy::Publish() {
  UniqueFd parent;
  std::string name = path_;
  int at = folder_.get();
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/')) {
    STRATA_ASSIGN_OR_RETURN(UniqueFd next, EnterFolder(at, name.substr(0, slash)));
    parent = std::move(next);
    at = parent.get();
    name.erase(0, slash + 1);
  }
  int failed = renameat2(folder_.get(), temporary_.c_str(), at, name.c_str(), RENAME_NOREPLACE);
  if (failed != 0 && errno == EINVAL) {  // This file system knows no such rename.
    failed = faccessat(at, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0
                 ? (errno = EEXIST, -1)
                 : renameat(folder_.get(), temporary_.c_str(), at, name.c_str());
  }
  if (failed != 0 && errno == EEXIST) return AlreadyExists("a file is there already");
  if (failed != 0) return Failed("put in place", path_);
  published_ = true;
  if (fsync(at) != 0) return Failed("sync the folder of", path_);
  return Ok();
}

StatusOr<uint64_t> LibraryCopy::FreeBytes(const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return Failed("look at the disk of", folder);
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  const uint64_t whole = uint64_t{disk.f_blocks} * disk.f_frsize;
  const uint64_t reserve = std::min(kReserveBytes, whole / kReserveShare);
  return free > reserve ? free - reserve : 0;
}

void LibraryCopy::RemoveRemains(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(folder) / kCopyingFolder, ignored);
}

}  // namespace strata::engine::transfer
