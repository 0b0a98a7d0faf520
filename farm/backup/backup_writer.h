#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/status.h"
#include "farm/backup/files.h"
#include "farm/backup/manifest.h"

namespace strata::farm::backup {

// Of a part; the next record begins another one.
inline constexpr size_t kPartBytes = size_t{16} << 20;
// Of all records; what a manager's store takes at once.
inline constexpr size_t kBackupBytesMax = size_t{512} << 20;

// Writes a backup: records in parts, then the manifest. One thread; holds one part in memory.
class BackupWriter {
 public:
  // A folder, or a tar if the path ends with .tar, .tar.gz or .tgz. AlreadyExists.
  static StatusOr<std::unique_ptr<BackupWriter>> Create(const std::string& path);

  // By rising keys. ResourceExhausted: more than a backup may have.
  Status Add(std::string_view key, std::string_view value);
  // `facts`: without counts and parts. Durable when it returns; gives all of it.
  StatusOr<Manifest> Finish(Manifest facts);

 private:
  explicit BackupWriter(std::unique_ptr<FileSink> sink) : sink_(std::move(sink)) {}

  Status EndPart();

  const std::unique_ptr<FileSink> sink_;
  Manifest manifest_;  // What was written.
  std::string part_;
  uint64_t records_ = 0;  // Of the part.
};

// The name of the part of this number, from 1.
std::string PartName(size_t number);
// Of bytes, in hexadecimal digits.
std::string Sha256(std::string_view bytes);

}  // namespace strata::farm::backup
