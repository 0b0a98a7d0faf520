#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/status.h"

// A few named files together: in a folder, or in a tar (also .tar.gz, .tgz), by the path's name.
// Errors name the path. One thread.
namespace strata::farm::backup {

// Writes them. What is not finished leaves nothing behind.
class FileSink {
 public:
  // AlreadyExists: it overwrites nothing. Else what the system says.
  static StatusOr<std::unique_ptr<FileSink>> Create(const std::string& path);
  virtual ~FileSink() = default;

  virtual Status Put(const std::string& name, std::string_view bytes) = 0;
  // On disk under its path when it returns; readable by its owner only.
  virtual Status Finish() = 0;
};

// Reads them; a folder's in the order of their names.
class FileSource {
 public:
  struct File {
    std::string name;
    std::string bytes;
  };

  static StatusOr<std::unique_ptr<FileSource>> Open(const std::string& path);
  virtual ~FileSource() = default;

  // Nothing at the end. DataLoss: damaged, cut short, or none of those that a backup has.
  virtual StatusOr<std::optional<File>> Next() = 0;
};

// Bytes of one file at most.
inline constexpr size_t kFileBytesMax = size_t{24} << 20;
// Files at most.
inline constexpr size_t kFilesMax = 5000;

}  // namespace strata::farm::backup
