#include "farm/backup/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/atomic_file.h"
#include "common/file.h"
#include "common/unique_fd.h"
#include "farm/backup/tar.h"

namespace strata::farm::backup {
namespace {

namespace fs = std::filesystem;

Status SystemError(const std::string& path, int error) {
  const char* why = std::strerror(error);
  if (error == EEXIST || error == ENOTEMPTY) {
    return AlreadyExists("%s is there already: a backup overwrites nothing", path.c_str());
  }
  if (error == ENOENT || error == ENOTDIR) return NotFound("%s: %s", path.c_str(), why);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return PermissionDenied("%s: %s", path.c_str(), why);
  }
  if (error == ENOSPC || error == EDQUOT) return ResourceExhausted("%s: %s", path.c_str(), why);
  return Unavailable("%s: %s", path.c_str(), why);
}

bool IsTar(const std::string& path) {
  return path.ends_with(".tar") || path.ends_with(".tar.gz") || path.ends_with(".tgz");
}

// Without slashes at the end, which would hide its last name.
std::string Plain(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string FolderOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Status SyncFolder(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return SystemError(folder, errno);
  return Ok();
}

// Gives what was written its name, unless something else has it.
Status PutInPlace(const std::string& from, const std::string& path) {
  int error =
      renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (error == EINVAL || error == ENOSYS) {  // A file system that cannot do it.
    std::error_code ignored;
    error = fs::exists(path, ignored) ? EEXIST : 0;
    if (error == 0 && rename(from.c_str(), path.c_str()) != 0) error = errno;
  }
  if (error != 0) return SystemError(path, error);
  return SyncFolder(FolderOf(path));
}

class FolderSink final : public FileSink {
 public:
  FolderSink(std::string path, std::string temporary)
      : path_(std::move(path)), temporary_(std::move(temporary)) {}
  ~FolderSink() override {
    std::error_code ignored;
    if (!finished_) fs::remove_all(temporary_, ignored);
  }

  Status Put(const std::string& name, std::string_view bytes) override {
    return WriteFileAtomically(temporary_ + "/" + name, bytes, 0600);
  }
  Status Finish() override {
    STRATA_RETURN_IF_ERROR(SyncFolder(temporary_));
    STRATA_RETURN_IF_ERROR(PutInPlace(temporary_, path_));
    finished_ = true;
    return Ok();
  }

 private:
  const std::string path_;
  const std::string temporary_;
  bool finished_ = false;
};

class TarSink final : public FileSink {
 public:
  TarSink(std::string path, std::string temporary, UniqueFd fd)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        fd_(std::move(fd)),
        writer_(fd_.get(), !path_.ends_with(".tar")) {}
  ~TarSink() override {
    if (!finished_) unlink(temporary_.c_str());
  }

  Status Put(const std::string& name, std::string_view bytes) override {
    return Named(writer_.Put(name, bytes));
  }
  Status Finish() override {
    STRATA_RETURN_IF_ERROR(Named(writer_.Finish()));
    if (fsync(fd_.get()) != 0) return SystemError(path_, errno);
    STRATA_RETURN_IF_ERROR(PutInPlace(temporary_, path_));
    finished_ = true;
    return Ok();
  }

 private:
  Status Named(const Status& status) const {
    if (status.ok()) return status;
    return MakeStatus(status.code(), path_ + ": " + MessageOf(status));
  }

  const std::string path_;
  const std::string temporary_;
  const UniqueFd fd_;
  TarWriter writer_;
  bool finished_ = false;
};

class FolderSource final : public FileSource {
 public:
  FolderSource(std::string path, std::vector<std::string> names)
      : path_(std::move(path)), names_(std::move(names)) {}

  StatusOr<std::optional<File>> Next() override {
    if (at_ == names_.size()) return std::optional<File>();
    const std::string& name = names_[at_++];
    STRATA_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path_ + "/" + name, kFileBytesMax));
    return std::optional(File{name, std::move(bytes)});
  }

 private:
  const std::string path_;
  const std::vector<std::string> names_;
  size_t at_ = 0;
};

class TarSource final : public FileSource {
 public:
  TarSource(std::string path, UniqueFd fd)
      : path_(std::move(path)), fd_(std::move(fd)), reader_(fd_.get()) {}

  StatusOr<std::optional<File>> Next() override {
    std::optional<File> file(std::in_place);
    const StatusOr<bool> more = reader_.Next(kFileBytesMax, file->name, file->bytes);
    if (!more.ok()) {
      return MakeStatus(more.status().code(), path_ + ": " + MessageOf(more.status()));
    }
    if (!*more) return std::optional<File>();
    if (++files_ > kFilesMax) return DataLoss("%s: more files than a backup has", path_.c_str());
    return file;
  }

 private:
  const std::string path_;
  const UniqueFd fd_;
  TarReader reader_;
  size_t files_ = 0;
};

StatusOr<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
    if (names.size() > kFilesMax) {
      return DataLoss("%s: more files than a backup has", path.c_str());
    }
  }
  if (error) return SystemError(path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

StatusOr<std::unique_ptr<FileSink>> FileSink::Create(const std::string& path) {
  const std::string plain = Plain(path);
  struct stat there {};
  if (lstat(plain.c_str(), &there) == 0) return SystemError(plain, EEXIST);
  std::string temporary = plain + ".XXXXXX";
  if (!IsTar(plain)) {
    if (mkdtemp(temporary.data()) == nullptr) return SystemError(plain, errno);  // 0700
    return std::make_unique<FolderSink>(plain, temporary);
  }
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));  // 0600
  if (!fd.valid()) return SystemError(plain, errno);
  return std::make_unique<TarSink>(plain, temporary, std::move(fd));
}

StatusOr<std::unique_ptr<FileSource>> FileSource::Open(const std::string& path) {
  const std::string plain = Plain(path);
  struct stat there {};
  if (stat(plain.c_str(), &there) != 0) return SystemError(plain, errno);
  if (S_ISDIR(there.st_mode)) {
    STRATA_ASSIGN_OR_RETURN(std::vector<std::string> names, NamesIn(plain));
    return std::make_unique<FolderSource>(plain, std::move(names));
  }
  if (!S_ISREG(there.st_mode)) {
    return FailedPrecondition("%s is neither a folder nor a file", plain.c_str());
  }
  UniqueFd fd(open(plain.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return SystemError(plain, errno);
  return std::make_unique<TarSource>(plain, std::move(fd));
}

}  // namespace strata::farm::backup
