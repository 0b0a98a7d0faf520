#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <variant>

#include "common/bytes.h"
#include "multicast/wire/types.h"

// The 56 bytes before every body (docs/protocols/multicast.md, section 3). Inline: each datagram
// passes here twice.
namespace strata::multicast {

enum class PacketType : uint8_t {
  kData = 1,
  kAck = 2,
  kCommit = 3,
  kResend = 4,
  kHeartbeat = 5,
  kAbort = 6,
  kAbortAck = 7,
  kRefuse = 8,
  kPropose = 9,
  kReport = 10,
  kView = 11,
  kViewAck = 12,
  kInstall = 13,
  kJoin = 14,
  kJoinRefused = 15,
  kProbe = 16,
  kProbeReply = 17,
  kSnapshotRequest = 18,
  kSnapshotChunk = 19,
  kFragment = 20,
};

enum class DecodeError : uint8_t {
  kTooShort,
  kBadMagic,
  kBadVersion,
  kMalformed,
  kUnknownType,
};

// A value or the reason why there is none.
template <class T>
using Decoded = std::variant<T, DecodeError>;

inline constexpr uint8_t kMagic = 0x53;
inline constexpr uint8_t kSealedBit = 0x80;  // Of the type byte.

// Where the fields that sealing fills in are.
inline constexpr size_t kTypeOffset = 2;
inline constexpr size_t kKeyIdOffset = 3;
inline constexpr size_t kSenderOffset = 4;
inline constexpr size_t kIncarnationOffset = 32;
inline constexpr size_t kCounterOffset = 48;

struct Header {
  uint8_t version = kProtocolVersion;
  uint8_t type = 0;  // A PacketType, or a number that this version does not know; below 128.
  bool sealed = false;
  uint8_t key_id = 0;
  MemberId sender{};
  GroupId group{};
  Epoch epoch;
  uint32_t view_number = 0;
  Incarnation incarnation;
  uint64_t counter = 0;
  friend bool operator==(const Header&, const Header&) = default;
};

namespace internal {

// Network order, without bounds checks: for bytes whose number was checked before.
template <class T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return strata::internal::NetworkOrder(value);
}
template <class T>
void Store(uint8_t* to, T value) {
  value = strata::internal::NetworkOrder(value);
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace internal

// Writes exactly kHeaderBytes.
inline void Encode(const Header& header, std::span<uint8_t, kHeaderBytes> out) {
  uint8_t* to = out.data();
  to[0] = kMagic;
  to[1] = header.version;
  to[kTypeOffset] = static_cast<uint8_t>((header.type & ~kSealedBit) | (header.sealed << 7));
  to[kKeyIdOffset] = header.key_id;
  internal::Store<uint32_t>(to + kSenderOffset, header.sender.value());
  internal::Store<uint64_t>(to + 8, header.group.value());
  internal::Store<uint64_t>(to + 16, header.epoch.counter);
  internal::Store<uint32_t>(to + 24, header.epoch.proposer.value());
  internal::Store<uint32_t>(to + 28, header.view_number);
  std::memcpy(to + kIncarnationOffset, header.incarnation.bytes.data(), 16);
  internal::Store<uint64_t>(to + kCounterOffset, header.counter);
}

// kTooShort, kBadMagic or kBadVersion (not 1).
inline Decoded<Header> DecodeHeader(ByteSpan datagram) {
  if (datagram.size() < kHeaderBytes) return DecodeError::kTooShort;
  const uint8_t* from = datagram.data();
  if (from[0] != kMagic) return DecodeError::kBadMagic;
  if (from[1] != kProtocolVersion) return DecodeError::kBadVersion;
  Header header;
  header.version = from[1];
  header.type = from[kTypeOffset] & static_cast<uint8_t>(~kSealedBit);
  header.sealed = (from[kTypeOffset] & kSealedBit) != 0;
  header.key_id = from[kKeyIdOffset];
  header.sender = MemberId(internal::Load<uint32_t>(from + kSenderOffset));
  header.group = GroupId(internal::Load<uint64_t>(from + 8));
  header.epoch.counter = internal::Load<uint64_t>(from + 16);
  header.epoch.proposer = MemberId(internal::Load<uint32_t>(from + 24));
  header.view_number = internal::Load<uint32_t>(from + 28);
  std::memcpy(header.incarnation.bytes.data(), from + kIncarnationOffset, 16);
  header.counter = internal::Load<uint64_t>(from + kCounterOffset);
  return header;
}

}  // namespace strata::multicast
