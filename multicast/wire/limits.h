#pragma once

#include <cstddef>
#include <cstdint>

// The named limits of the protocol (docs/protocols/multicast.md, section 12). What a deployment may
// choose is in core/settings.h; these are fixed for version 1.
namespace strata::multicast {

inline constexpr uint8_t kProtocolVersion = 1;

inline constexpr size_t kMaxMembers = 64;
inline constexpr uint8_t kMaxStreams = 8;   // Streams of the application, 0 to 7.
inline constexpr uint8_t kReplyStream = 8;  // The protocol's own.
inline constexpr uint8_t kStreamSlots = 9;  // Both together.
inline constexpr size_t kMaxMessageBytes = size_t{16} << 20;
inline constexpr size_t kMaxReplyBytes = size_t{64} << 10;
inline constexpr size_t kMaxResendRequests = 64;
inline constexpr size_t kMaxQuorums = 8;
inline constexpr size_t kMaxLogEntries = 255;  // Positions or ranges of one log record.
inline constexpr size_t kMaxControlBody = size_t{256} << 10;
inline constexpr size_t kMaxFragments = 512;
inline constexpr size_t kMaxSnapshotBytes = size_t{256} << 20;

inline constexpr uint16_t kMinMtu = 1280;
inline constexpr uint16_t kMaxMtu = 9000;
inline constexpr size_t kIpv4UdpHeaderBytes = 28;
inline constexpr size_t kIpv6UdpHeaderBytes = 48;

inline constexpr size_t kHeaderBytes = 56;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kDataPrefixBytes = 4;  // Flags, origin, record count.
inline constexpr size_t kRecordHeaderBytes = 12;
inline constexpr size_t kMessageLengthBytes = 4;  // After the header of an init that is not alone.

}  // namespace strata::multicast
