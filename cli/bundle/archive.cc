#include "cli/bundle/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "common/unique_fd.h"

namespace strata::cli::bundle {
namespace {

constexpr int kFileMode = 0644;  // Of what is in it.

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

Status Failed(const std::string& path, archive& writer) {
  const char* why = archive_error_string(&writer);
  return FailedPrecondition("%s: %s", path.c_str(), why == nullptr ? "it cannot be written" : why);
}

}  // namespace

ArchiveWriter::ArchiveWriter(std::string path, std::string temporary, archive* writer)
    : path_(std::move(path)), temporary_(std::move(temporary)), writer_(writer) {}

ArchiveWriter::~ArchiveWriter() {
  archive_write_free(writer_);
  if (!finished_) unlink(temporary_.c_str());
}

StatusOr<std::unique_ptr<ArchiveWriter>> ArchiveWriter::Open(const std::string& path) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd made(mkostemp(temporary.data(), O_CLOEXEC));  // Mode 0600.
  if (made.get() < 0) return FailedPrecondition("%s: %s", path.c_str(), strerror(errno));
  archive* writer = archive_write_new();
  std::unique_ptr<ArchiveWriter> opened(new ArchiveWriter(path, temporary, writer));
  if (archive_write_add_filter_gzip(writer) != ARCHIVE_OK ||
      archive_write_set_format_pax_restricted(writer) != ARCHIVE_OK ||
      archive_write_open_filename(writer, temporary.c_str()) != ARCHIVE_OK) {
    return Failed(path, *writer);
  }
  return opened;
}

Status ArchiveWriter::Add(const std::string& name, const std::string& content, int64_t time_s) {
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kFileMode);
  archive_entry_set_size(entry.get(), static_cast<int64_t>(content.size()));
  archive_entry_set_mtime(entry.get(), time_s, 0);
  if (archive_write_header(writer_, entry.get()) != ARCHIVE_OK ||
      archive_write_data(writer_, content.data(), content.size()) !=
          static_cast<la_ssize_t>(content.size())) {
    return Failed(path_, *writer_);
  }
  return Ok();
}

Status ArchiveWriter::Finish() {
  if (archive_write_close(writer_) != ARCHIVE_OK) return Failed(path_, *writer_);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    return FailedPrecondition("%s: %s", path_.c_str(), strerror(errno));
  }
  finished_ = true;
  return Ok();
}

}  // namespace strata::cli::bundle
