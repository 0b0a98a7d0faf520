#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "common/bytes.h"
#include "common/status.h"

namespace strata::engine {

// What the front of a file in nginx's cache says (nginx 1.18 to 1.26, 64-bit little-endian: its
// ngx_http_file_cache_header_t of version 5, then "\nKEY: " and the key, then the answer's header).
struct NginxCacheFile {
  std::string key;                         // proxy_cache_key.
  int status = 0;                          // Of the cached answer.
  int64_t valid_until = 0;                 // Seconds of the wall clock; it is fresh until then.
  uint16_t body_start = 0;                 // Bytes before the body.
  std::string etag;                        // Empty: none.
  int64_t last_modified = -1;              // Seconds of the wall clock; -1: not told.
  std::string vary;                        // The names in Vary; empty: none.
  std::array<uint8_t, 16> variant{};       // Which variant; zeros without Vary.
  std::optional<uint64_t> content_length;  // Of the body, if the answer told it.

  // What tells this version of the content from others; empty if the origin told nothing. At most
  // farm::kMaxValidator bytes: a longer ETag is told by its hash.
  std::string Validator() const;
  // A redirect or an error is no copy of the content.
  bool IsCopy() const { return status == 200; }
};

// No key is longer; so many bytes from the front of a file are enough to read.
inline constexpr size_t kMaxCacheKeyBytes = 9000;
inline constexpr size_t kCacheFileFrontBytes = 16384;

// `front`: the first kCacheFileFrontBytes of the file, or all of it. InvalidArgument, naming what
// is wrong, if it is no cache file of a version that this knows.
StatusOr<NginxCacheFile> ParseNginxCacheFile(ByteSpan front);

}  // namespace strata::engine
