#include "farm/backup/tar.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "common/check.h"

namespace strata::farm::backup {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr size_t kNameBytesMax = 100;

std::string WhyOf(archive* from) {
  const char* why = archive_error_string(from);
  return why == nullptr ? "unknown" : why;
}

}  // namespace

TarWriter::TarWriter(int fd, bool gzip) : archive_(archive_write_new()) {
  STRATA_CHECK(archive_ != nullptr);
  opened_ = archive_write_set_format_ustar(archive_) == ARCHIVE_OK &&
            (!gzip || archive_write_add_filter_gzip(archive_) == ARCHIVE_OK) &&
            archive_write_open_fd(archive_, fd) == ARCHIVE_OK;
}

TarWriter::~TarWriter() { archive_write_free(archive_); }

Status TarWriter::Failed() const {
  const StatusCode code =
      archive_errno(archive_) == ENOSPC ? StatusCode::kResourceExhausted : StatusCode::kUnavailable;
  return MakeStatus(code, WhyOf(archive_));
}

Status TarWriter::Put(const std::string& name, std::string_view bytes) {
  if (!opened_) return Failed();
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<int64_t>(bytes.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_mtime(entry.get(), std::time(nullptr), 0);
  if (archive_write_header(archive_, entry.get()) != ARCHIVE_OK) return Failed();
  const la_ssize_t written = archive_write_data(archive_, bytes.data(), bytes.size());
  return written == static_cast<la_ssize_t>(bytes.size()) ? Ok() : Failed();
}

Status TarWriter::Finish() {
  return opened_ && archive_write_close(archive_) == ARCHIVE_OK ? Ok() : Failed();
}

TarReader::TarReader(int fd) : archive_(archive_read_new()) {
  STRATA_CHECK(archive_ != nullptr);
  opened_ = archive_read_support_format_tar(archive_) == ARCHIVE_OK &&
            archive_read_support_filter_gzip(archive_) == ARCHIVE_OK &&
            archive_read_open_fd(archive_, fd, kBlockBytes) == ARCHIVE_OK;
}

TarReader::~TarReader() { archive_read_free(archive_); }

Status TarReader::Failed() const { return DataLoss("no whole tar: %s", WhyOf(archive_).c_str()); }

StatusOr<bool> TarReader::Next(size_t bytes_max, std::string& name, std::string& bytes) {
  if (!opened_) return Failed();
  archive_entry* entry = nullptr;
  do {
    const int found = archive_read_next_header(archive_, &entry);
    if (found == ARCHIVE_EOF) return false;
    if (found != ARCHIVE_OK) return Failed();
  } while (archive_entry_filetype(entry) == AE_IFDIR);
  const char* path = archive_entry_pathname(entry);
  name = path == nullptr ? "" : path;
  if (name.starts_with("./")) name.erase(0, 2);
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr ||
      name.empty() || name.size() > kNameBytesMax || name.find('/') != std::string::npos) {
    return DataLoss("something in it is no file of a backup");
  }
  const int64_t size = archive_entry_size(entry);
  if (size < 0 || static_cast<uint64_t>(size) > bytes_max) {
    return DataLoss("%s is longer than a file of a backup", name.c_str());
  }
  bytes.assign(static_cast<size_t>(size), '\0');
  const la_ssize_t read = archive_read_data(archive_, bytes.data(), bytes.size());
  if (read < 0) return Failed();
  if (read != size) return DataLoss("%s is cut short", name.c_str());
  return true;
}

}  // namespace strata::farm::backup
