#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"

namespace strata::multicast {

struct GroupKey {
  uint8_t id = 0;
  Bytes bytes;  // 16 to 64.
};

// Reads the group's keys: lines of an id (0 to 255) and the key in hex; empty lines and lines
// that start with # do not count. The first key is the one to send with. Errors name file and
// line, never a key. PermissionDenied if others than the owner may read or write the file.
StatusOr<std::vector<GroupKey>> ReadKeyFile(const std::string& path);

// The same from a text; `path` is for the errors.
StatusOr<std::vector<GroupKey>> ParseKeys(std::string_view text, const std::string& path);

}  // namespace strata::multicast
