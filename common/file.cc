#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace strata {
namespace {

class OpenFile {
 public:
  // Does not block, where opening a pipe would.
  explicit OpenFile(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }

 private:
  int fd_;
};

Status SystemError(const std::string& path, int error) {
  const char* reason = std::strerror(error);
  if (error == ENOENT) return NotFound("%s: %s", path.c_str(), reason);
  if (error == EACCES || error == EPERM) return PermissionDenied("%s: %s", path.c_str(), reason);
  return Unavailable("%s: %s", path.c_str(), reason);
}

}  // namespace

StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  const OpenFile file(path);
  if (file.fd() < 0) return SystemError(path, errno);
  struct stat about {};
  if (fstat(file.fd(), &about) != 0) return SystemError(path, errno);
  if (!S_ISREG(about.st_mode)) return FailedPrecondition("%s: not a regular file", path.c_str());

  // Files under /proc say they are empty: read until the end, whatever the size says.
  std::string content;
  size_t filled = 0;
  do {
    content.resize(std::min(bytes_max + 1, std::max<size_t>(4096, filled * 2)));
    const ssize_t got = read(file.fd(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, errno);
    if (got == 0) {
      content.resize(filled);
      return content;
    }
    filled += static_cast<size_t>(got);
  } while (filled <= bytes_max);
  return ResourceExhausted("%s: more than %zu bytes", path.c_str(), bytes_max);
}

}  // namespace strata
