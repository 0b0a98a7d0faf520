#include "tests/simulation/message_registry.h"

#include <cstring>

namespace strata::simulation {

uint64_t HashOf(ByteSpan bytes) {
  uint64_t hash = 0x9e3779b97f4a7c15u ^ bytes.size();
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  for (; at < bytes.size(); ++at) hash = (hash ^ bytes[at]) * 0x100000001b3u;
  return hash ^ (hash >> 29);
}

Bytes MessageRegistry::Payload(MessageId id, size_t bytes) {
  Bytes payload(bytes);
  if (bytes < 8) return payload;
  uint64_t word = id;
  size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    std::memcpy(payload.data() + at, &word, 8);
    word = (word + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  }
  for (; at < bytes; ++at) payload[at] = static_cast<uint8_t>(id + at);
  return payload;
}

MessageId MessageRegistry::IdOf(ByteSpan payload) {
  if (payload.size() < 8) return 0;
  MessageId id;
  std::memcpy(&id, payload.data(), 8);
  return id;
}

}  // namespace strata::simulation
