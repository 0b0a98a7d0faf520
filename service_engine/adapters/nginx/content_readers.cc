#include "service_engine/adapters/nginx/content_readers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "common/bytes.h"
#include "common/hex.h"
#include "common/unique_fd.h"
#include "common/wall_clock.h"
#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/core/nginx_cache_file.h"

namespace strata::engine {
namespace {

constexpr size_t kCacheNameDigits = 32;  // An MD5.

Status DiskError(const char* what, const std::string& path) {
  return Unavailable("%s %s: %s", what, path.c_str(), strerror(errno));
}

// Went away, or is none of what we may see: no fault of the disk.
bool IsGone(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EACCES;
}

struct Front {
  Bytes bytes;
  uint64_t file_size = 0;
};

// Nothing if it is gone, or no regular file.
StatusOr<std::optional<Front>> ReadFront(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) {
    if (IsGone(errno)) return std::optional<Front>();
    return DiskError("open", path);
  }
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return DiskError("stat", path);
  if (!S_ISREG(info.st_mode)) return std::optional<Front>();
  Front front;
  front.file_size = static_cast<uint64_t>(info.st_size);
  front.bytes.resize(kCacheFileFrontBytes);
  const ssize_t n = pread(file.get(), front.bytes.data(), front.bytes.size(), 0);
  if (n < 0) return DiskError("read", path);
  front.bytes.resize(static_cast<size_t>(n));
  return std::optional<Front>(std::move(front));
}

// nginx's expiry as an instant of ours, half a second off at most. Rounded, so that reading a file
// twice gives one instant; to the nearest second, though the difference is negative.
Timestamp ExpiryOf(int64_t valid_until) {
  constexpr int64_t kSecond = 1'000'000'000;
  const std::chrono::nanoseconds ahead(Now().nanos() - WallClockNanos());
  const int64_t offset = std::chrono::round<std::chrono::seconds>(ahead).count();
  int64_t nanos = 0;
  if (__builtin_mul_overflow(valid_until + offset, kSecond, &nanos)) return Timestamp::Never();
  return Timestamp::FromNanos(nanos);
}

// Whether somebody has the file open for writing: a read lease says so. `unknown` where the kernel
// does not tell us (not our file, not on this file system).
bool IsWritten(int fd, bool unknown) {
  // Whoever opens it for writing in this moment waits for the lease to go, and we are told by a
  // signal: one that is ignored unless somebody wants it.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0 || fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
    return errno == EAGAIN || unknown;
  }
  fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

// As nginx makes it of a file: modification time and size.
std::string EtagOf(const struct stat& info) {
  char text[64];
  snprintf(text, sizeof(text), "\"%llx-%llx\"", static_cast<unsigned long long>(info.st_mtime),
           static_cast<unsigned long long>(info.st_size));
  return text;
}

// `path` of a file as the target of a request for it.
std::string TargetOf(std::string_view path) {
  constexpr std::string_view kPlain = "-._~!$&'()*+,;=:@/";
  const auto plain = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != std::string_view::npos;
  };
  std::string target;
  for (const char c : path) {
    if (plain(c)) {
      target += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      target += '%';
      target += ToHex(ByteSpan(&byte, 1));
    }
  }
  return target;
}

}  // namespace

// ---- The cache.

bool CacheReader::IsFile(std::string_view name) const {
  return name.size() == kCacheNameDigits && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool CacheReader::IsFolder(std::string_view name) const { return name.size() <= 2; }

std::optional<farm::ContentKey> ContentOf(std::string_view cache_key, const farm::SiteTable& sites,
                                          std::string& uri) {
  const StatusOr<farm::UriParts> parts = farm::SplitUri(cache_key);
  if (!parts.ok()) return std::nullopt;
  const StatusOr<std::string> host = farm::CanonicalHost(parts->host);
  if (!host.ok()) return std::nullopt;
  const farm::Site* site = sites.FindByHost(*host);
  if (site == nullptr) return std::nullopt;
  if (!farm::CanonicalUri(site->hosts.front(), parts->target, site->query, uri).ok()) {
    return std::nullopt;
  }
  return farm::KeyOf(uri);
}

StatusOr<std::optional<FoundFile>> CacheReader::Read(const std::string& path,
                                                     Writing /*writing*/) const {
  STRATA_ASSIGN_OR_RETURN(const std::optional<Front> front, ReadFront(path));
  if (!front) return std::optional<FoundFile>();
  const StatusOr<NginxCacheFile> file = ParseNginxCacheFile(front->bytes);
  if (!file.ok()) return std::optional<FoundFile>();
  FoundFile found;
  const std::optional<farm::ContentKey> key = ContentOf(file->key, *sites_.Get(), found.uri);
  if (!key) return std::optional<FoundFile>();
  if (found.uri != file->key) {
    unlink(path.c_str());
    return std::optional<FoundFile>();
  }
  ContentFile& content = found.content;
  content.key = *key;
  content.kind = farm::AssetKind::kCache;
  content.size = front->file_size - std::min<uint64_t>(file->body_start, front->file_size);
  content.complete = !file->content_length || *file->content_length == content.size;
  content.validator = file->Validator();
  content.expires = ExpiryOf(file->valid_until);
  found.is_copy = file->IsCopy();
  return std::optional<FoundFile>(std::move(found));
}

StatusOr<std::string> CacheKeyOf(const std::string& path) {
  STRATA_ASSIGN_OR_RETURN(const std::optional<Front> front, ReadFront(path));
  if (!front) return NotFound("%s", path.c_str());
  const StatusOr<NginxCacheFile> file = ParseNginxCacheFile(front->bytes);
  return file.ok() ? file->key : "";
}

// ---- The library.

bool LibraryReader::IsFile(std::string_view name) const { return !name.starts_with('.'); }

bool LibraryReader::IsFolder(std::string_view name) const { return !name.starts_with('.'); }

StatusOr<std::optional<FoundFile>> LibraryReader::Read(const std::string& path,
                                                       Writing writing) const {
  const std::optional<FoundFile> nothing;
  const std::string_view below = std::string_view(path).substr(folder_.size() + 1);
  const size_t slash = below.find('/');
  if (slash == std::string_view::npos) return nothing;
  const std::shared_ptr<const farm::SiteTable> sites = sites_.Get();
  const farm::Site* site = sites->Find(std::string(below.substr(0, slash)));
  if (site == nullptr || !sites_.HasLibrary(site->name)) return nothing;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) {
    if (IsGone(errno)) return nothing;
    return DiskError("open", path);
  }
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return DiskError("stat", path);
  if (!S_ISREG(info.st_mode) || IsWritten(file.get(), writing == Writing::kMaybe)) return nothing;
  FoundFile found;
  const std::string target = TargetOf(below.substr(slash));
  if (!farm::CanonicalUri(site->hosts.front(), target, site->query, found.uri).ok()) {
    return nothing;
  }
  found.content.key = farm::KeyOf(found.uri);
  found.content.kind = farm::AssetKind::kLibrary;
  found.content.size = static_cast<uint64_t>(info.st_size);
  found.content.validator = EtagOf(info);
  return std::optional<FoundFile>(std::move(found));
}

}  // namespace strata::engine
