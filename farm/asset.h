#pragma once

#include <cstdint>
#include <string>

#include "common/time.h"
#include "farm/content_key.h"

namespace strata::farm {

inline constexpr size_t kMaxValidator = 64;  // Bytes; longer ones are told by their hash.

enum class AssetKind : uint8_t {
  kLibrary = 0,  // The operator put it there.
  kCache = 1,    // It came from an origin and may go.
};

// One engine's copy of one content.
struct Asset {
  AssetKind kind = AssetKind::kLibrary;
  bool complete = true;   // All of its files are whole.
  uint64_t size = 0;      // Bytes of all its files.
  Duration lifetime{};    // Until it expires, from when this was told; zero: it does not.
  std::string validator;  // ETag or modification time, as the origin gave it; may be empty.

  friend bool operator==(const Asset&, const Asset&) = default;
};

}  // namespace strata::farm
