#include "service_engine/transfer/spool.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "service_engine/transfer/limits.h"

namespace strata::engine::transfer {
namespace {

Status Failed(const char* what, const std::string& folder, int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return ResourceExhausted("spool in %s: %s: %s", folder.c_str(), what, std::strerror(error));
  }
  return Unavailable("spool in %s: %s: %s", folder.c_str(), what, std::strerror(error));
}

}  // namespace

StatusOr<std::unique_ptr<Spool>> Spool::Create(const std::string& folder, uint64_t free_min) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("open", folder, errno);
  std::unique_ptr<Spool> spool(new Spool(fd, folder, free_min));
  STRATA_RETURN_IF_ERROR(spool->CheckRoom());
  spool->next_check_ = kSpaceCheckBytes;
  return spool;
}

Spool::~Spool() { close(fd_); }

Status Spool::CheckRoom() const {
  struct statvfs room {};
  if (fstatvfs(fd_, &room) != 0) return Failed("statvfs", folder_, errno);
  const uint64_t free = uint64_t{room.f_bavail} * room.f_frsize;
  if (free >= free_min_) return Ok();
  return ResourceExhausted("spool in %s: only %llu bytes are free", folder_.c_str(),
                           static_cast<unsigned long long>(free));
}

Status Spool::Append(ByteSpan bytes) {
  if (bytes_ >= next_check_) {
    STRATA_RETURN_IF_ERROR(CheckRoom());
    next_check_ = bytes_ + kSpaceCheckBytes;
  }
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(bytes_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("write", folder_, n < 0 ? errno : ENOSPC);
    bytes_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return Ok();
}

Status Spool::ReadAt(uint64_t offset, std::span<uint8_t> into) const {
  while (!into.empty()) {
    const ssize_t n = pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("read", folder_, errno);
    if (n == 0)
      return DataLoss("spool in %s: it is shorter than what was written", folder_.c_str());
    offset += static_cast<uint64_t>(n);
    into = into.subspan(static_cast<size_t>(n));
  }
  return Ok();
}

}  // namespace strata::engine::transfer
