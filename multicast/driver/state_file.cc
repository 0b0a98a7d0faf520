#include "multicast/driver/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "common/file.h"
#include "multicast/driver/crc32c.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {
namespace {

constexpr std::string_view kMagic = "STRATAMG";
constexpr size_t kCheckedHeaderBytes = StateFile::kHeaderBytes - 4;  // What is before the CRC.

Status WriteAll(int fd, ByteSpan bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unavailable("write %s: %s", path.c_str(), strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return Ok();
}

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status SyncFolder(const std::string& path) {
  UniqueFd folder(open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || fsync(folder.get()) != 0) {
    return Unavailable("sync the folder of %s: %s", path.c_str(), strerror(errno));
  }
  return Ok();
}

struct Content {
  StateFile::Owner owner;
  ByteSpan state;
};

StatusOr<Content> Check(ByteSpan file, const std::string& path) {
  ByteReader in(file);
  ByteSpan magic = in.Take(kMagic.size());
  if (AsText(magic) != kMagic) {
    return DataLoss("%s is no state file of a group member", path.c_str());
  }
  uint32_t version = in.U32();
  Content content;
  content.owner.member = MemberId(in.U32());
  content.owner.group = GroupId(in.U64());
  uint32_t length = in.U32();
  uint32_t crc = in.U32();
  content.state = in.Rest();
  if (in.ok() && version != StateFile::kVersion) {
    return FailedPrecondition("%s is of format %u, this program knows %u", path.c_str(), version,
                              StateFile::kVersion);
  }
  if (!in.ok() || content.state.size() != length ||
      crc != Crc32c(content.state, Crc32c(file.first(kCheckedHeaderBytes)))) {
    return DataLoss("%s is damaged: %zu bytes whose length or checksum is wrong", path.c_str(),
                    file.size());
  }
  return content;
}

}  // namespace

StatusOr<std::unique_ptr<StateFile>> StateFile::Open(std::string path, GroupId group,
                                                     MemberId member) {
  std::string lock_path = path + ".lock";
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return Unavailable("open %s: %s", lock_path.c_str(), strerror(errno));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition("%s is in use by another process", path.c_str());
  }
  return std::unique_ptr<StateFile>(new StateFile(std::move(path), group, member, std::move(lock)));
}

StateFile::StateFile(std::string path, GroupId group, MemberId member, UniqueFd lock)
    : path_(std::move(path)), group_(group), member_(member), lock_(std::move(lock)) {}

StatusOr<std::optional<StateFile::Owner>> StateFile::OwnerOf(const std::string& path) {
  const StatusOr<std::string> file = ReadFile(path, kHeaderBytes + kMaxStateBytes);
  if (file.status().code() == StatusCode::kNotFound) return std::optional<Owner>();
  if (!file.ok()) return file.status();
  STRATA_ASSIGN_OR_RETURN(const Content content, Check(AsBytes(*file), path));
  return std::optional<Owner>(content.owner);
}

StatusOr<Bytes> StateFile::Load() const {
  StatusOr<std::string> file = ReadFile(path_, kHeaderBytes + kMaxStateBytes);
  if (file.status().code() == StatusCode::kNotFound) return Bytes();
  if (!file.ok()) return file.status();
  return Decode(AsBytes(*file));
}

StatusOr<Bytes> StateFile::Decode(ByteSpan file) const {
  STRATA_ASSIGN_OR_RETURN(const Content content, Check(file, path_));
  const Owner& owner = content.owner;
  if (owner.member != member_ || owner.group != group_) {
    if (passes_over_others_) return Bytes();
    return FailedPrecondition(
        "%s belongs to member %u of group %llu, not to member %u of group %llu", path_.c_str(),
        owner.member.value(), static_cast<unsigned long long>(owner.group.value()), member_.value(),
        static_cast<unsigned long long>(group_.value()));
  }
  return Bytes(content.state.begin(), content.state.end());
}

Status StateFile::WriteTemporary(const std::string& path, ByteSpan state) const {
  std::array<uint8_t, kHeaderBytes> header;
  ByteWriter out(header);
  out.Put(kMagic);
  out.U32(kVersion);
  out.U32(member_.value());
  out.U64(group_.value());
  out.U32(static_cast<uint32_t>(state.size()));
  out.U32(Crc32c(state, Crc32c(out.written())));
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return Unavailable("open %s: %s", path.c_str(), strerror(errno));
  STRATA_RETURN_IF_ERROR(WriteAll(fd.get(), header, path));
  STRATA_RETURN_IF_ERROR(WriteAll(fd.get(), state, path));
  if (fsync(fd.get()) != 0) return Unavailable("sync %s: %s", path.c_str(), strerror(errno));
  return Ok();
}

Status StateFile::Save(ByteSpan state) {
  if (state.size() > kMaxStateBytes) {
    return OutOfRange("a state of %zu bytes is longer than %zu", state.size(), kMaxStateBytes);
  }
  std::string temporary = path_ + ".new";
  STRATA_RETURN_IF_ERROR(WriteTemporary(temporary, state));
  if (rename(temporary.c_str(), path_.c_str()) != 0) {
    return Unavailable("rename %s to %s: %s", temporary.c_str(), path_.c_str(), strerror(errno));
  }
  return SyncFolder(path_);
}

}  // namespace strata::multicast
