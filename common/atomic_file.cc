#include "common/atomic_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace strata {
namespace {

class OwnFd {
 public:
  explicit OwnFd(int fd) : fd_(fd) {}
  OwnFd(const OwnFd&) = delete;
  OwnFd& operator=(const OwnFd&) = delete;
  ~OwnFd() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }

 private:
  const int fd_;
};

Status SystemError(const std::string& path, int error) {
  const char* reason = strerror(error);
  if (error == ENOENT || error == ENOTDIR) return NotFound("%s: %s", path.c_str(), reason);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return PermissionDenied("%s: %s", path.c_str(), reason);
  }
  return Unavailable("%s: %s", path.c_str(), reason);
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status WriteAndSync(int fd, std::string_view content, unsigned mode, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fchmod(fd, mode) != 0 || fsync(fd) != 0) return SystemError(path, errno);
  return Ok();
}

Status SyncFolder(const std::string& path) {
  const OwnFd folder(open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || fsync(folder.get()) != 0) return SystemError(path, errno);
  return Ok();
}

}  // namespace

Status WriteFileAtomically(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  Status status;
  {
    const OwnFd fd(mkostemp(temporary.data(), O_CLOEXEC));  // 0600 until it is whole.
    if (fd.get() < 0) return SystemError(path, errno);
    status = WriteAndSync(fd.get(), content, mode, path);
  }
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError(path, errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(path);
}

}  // namespace strata
