#include "multicast/driver/key_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <optional>
#include <utility>

#include "common/file.h"
#include "common/hex.h"
#include "common/number.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {
namespace {

constexpr size_t kMinKeyBytes = 16;
constexpr size_t kMaxKeyBytes = 64;
constexpr std::string_view kBlank = " \t\r";

std::string_view Trim(std::string_view text) {
  size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

StatusOr<GroupKey> ParseLine(std::string_view line, const std::string& path, int number) {
  size_t gap = line.find_first_of(kBlank);
  std::string_view id_text = line.substr(0, gap);
  GroupKey key;
  const std::optional<uint8_t> id = ParseNumber<uint8_t>(id_text);
  if (!id || gap == std::string_view::npos) {
    return InvalidArgument("%s:%d: not \"<id 0 to 255> <key in hex>\"", path.c_str(), number);
  }
  key.id = *id;
  std::optional<Bytes> bytes = FromHex(Trim(line.substr(gap)));
  if (!bytes) return InvalidArgument("%s:%d: the key is not in hex", path.c_str(), number);
  if (bytes->size() < kMinKeyBytes || bytes->size() > kMaxKeyBytes) {
    return InvalidArgument("%s:%d: a key of %zu bytes; it must have %zu to %zu", path.c_str(),
                           number, bytes->size(), kMinKeyBytes, kMaxKeyBytes);
  }
  key.bytes = *std::move(bytes);
  return key;
}

}  // namespace

StatusOr<std::vector<GroupKey>> ParseKeys(std::string_view text, const std::string& path) {
  std::vector<GroupKey> keys;
  for (int number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    STRATA_ASSIGN_OR_RETURN(GroupKey key, ParseLine(line, path, number));
    for (const GroupKey& earlier : keys) {
      if (earlier.id == key.id) {
        return InvalidArgument("%s:%d: key id %d is there already", path.c_str(), number, key.id);
      }
    }
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return InvalidArgument("%s: no key in it", path.c_str());
  return keys;
}

StatusOr<std::vector<GroupKey>> ReadKeyFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return NotFound("key file %s: %s", path.c_str(), strerror(errno));
  }
  if ((info.st_mode & 077) != 0) {
    return PermissionDenied("key file %s has mode %03o; only its owner may have access (0600)",
                            path.c_str(), info.st_mode & 0777);
  }
  STRATA_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxKeyFileBytes));
  return ParseKeys(text, path);
}

}  // namespace strata::multicast
