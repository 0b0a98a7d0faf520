#include "multicast/tools/train.h"

#include <cstring>

#include "multicast/wire/header.h"

namespace strata::multicast {

size_t TrainSegment(ByteSpan train) {
  const uint8_t* const begin = train.data();
  const auto same = [begin](const uint8_t* other, size_t offset, size_t bytes) {
    return std::memcmp(begin + offset, other + offset, bytes) == 0;
  };
  size_t at = kHeaderBytes;
  while (at + kHeaderBytes <= train.size()) {
    const auto* magic =
        static_cast<const uint8_t*>(std::memchr(begin + at, kMagic, train.size() - at));
    if (magic == nullptr) break;
    at = static_cast<size_t>(magic - begin);
    if (at + kHeaderBytes > train.size()) break;
    // Magic and version, sender and group, incarnation.
    if (same(magic, 0, 2) && same(magic, kSenderOffset, 12) &&
        same(magic, kIncarnationOffset, 16)) {
      return at;
    }
    ++at;
  }
  return train.size();
}

}  // namespace strata::multicast
