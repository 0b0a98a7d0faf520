#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "common/status.h"

struct archive;

// Tar files of regular files without folders. One thread.
namespace strata::farm::backup {

class TarWriter {
 public:
  // `fd` is the caller's, and outlives this.
  TarWriter(int fd, bool gzip);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  Status Put(const std::string& name, std::string_view bytes);
  Status Finish();

 private:
  Status Failed() const;

  archive* const archive_;
  bool opened_ = false;
};

// Plain or compressed by gzip.
class TarReader {
 public:
  explicit TarReader(int fd);  // As above.
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  // The next regular file, of at most so many bytes; folders are passed over. False at the end.
  // DataLoss: damaged, cut short, or nothing that a backup has.
  StatusOr<bool> Next(size_t bytes_max, std::string& name, std::string& bytes);

 private:
  Status Failed() const;

  archive* const archive_;
  bool opened_ = false;
};

}  // namespace strata::farm::backup
