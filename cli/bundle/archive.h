#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/status.h"

struct archive;

namespace strata::cli::bundle {

// Writes a .tar.gz, readable by its owner only. It has its name once it is whole: until then, and
// if it is never finished, there is nothing under that name that was not there before.
class ArchiveWriter {
 public:
  static StatusOr<std::unique_ptr<ArchiveWriter>> Open(const std::string& path);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // `time_s`: since 1970.
  Status Add(const std::string& name, const std::string& content, int64_t time_s);
  Status Finish();

 private:
  ArchiveWriter(std::string path, std::string temporary, archive* writer);

  const std::string path_;
  const std::string temporary_;
  archive* writer_;  // Owned.
  bool finished_ = false;
};

}  // namespace strata::cli::bundle
