#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace strata::farm::backup {

// Of what this program writes, and the only one that it reads.
inline constexpr uint32_t kFormat = 1;
inline constexpr char kManifestName[] = "manifest.json";
inline constexpr size_t kManifestBytesMax = size_t{1} << 20;
inline constexpr size_t kPartsMax = 4096;

// What a backup says of itself (proto/backup.proto), as JSON in its last file.
struct Manifest {
  struct Part {
    std::string name;
    uint64_t bytes = 0;
    uint64_t records = 0;
    std::string sha256;  // In hexadecimal digits.

    friend bool operator==(const Part&, const Part&) = default;
  };

  uint32_t format = kFormat;
  std::string scope;          // Of the farm.
  std::string manager;        // Who gave it.
  std::string version;        // Of his program.
  int64_t created_at_ms = 0;  // Since 1970, UTC.
  uint64_t group_id = 0;      // Of the farm's group then.
  uint64_t records = 0;       // In all parts; so the bytes.
  uint64_t bytes = 0;
  std::vector<Part> parts = {};

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string ToJson(const Manifest& manifest);
// DataLoss for what is none, FailedPrecondition for one of another format.
StatusOr<Manifest> ParseManifest(std::string_view json);

}  // namespace strata::farm::backup
