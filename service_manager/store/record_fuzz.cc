#include <algorithm>

#include "common/bytes.h"
#include "common/check.h"
#include "service_manager/store/record.h"

// Whatever decodes must encode to the bytes it came from.

namespace {

void CheckChildPosition(std::string_view bytes) {
  using namespace strata::manager::store;  // NOLINT
  constexpr size_t kValueBytes = 16;
  const size_t key_bytes = bytes.size() - std::min(bytes.size(), kValueBytes);
  const auto position = DecodeChildPosition(bytes.substr(0, key_bytes), bytes.substr(key_bytes));
  if (!position) return;
  STRATA_CHECK(ChildPositionKey(position->child) + ChildPositionValue(*position) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::manager::store;  // NOLINT
  constexpr size_t kKeyBytes = 20;
  const std::string_view bytes = strata::AsText({data, size});
  CheckChildPosition(bytes);
  const std::string_view key = bytes.substr(0, kKeyBytes);
  const std::string_view value = bytes.substr(key.size());
  const auto stored = DecodeRecord(key, value);
  const auto head = DecodeRecordHead(key, value);
  if (!stored) return 0;
  STRATA_CHECK(head && head->key == stored->key && head->location == stored->location);
  STRATA_CHECK(RecordKey(stored->key, stored->location.holder) == key);
  STRATA_CHECK(RecordValue(*stored) == value);
  return 0;
}
