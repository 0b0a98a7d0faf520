#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "multicast/wire/header.h"
#include "multicast/wire/types.h"

// Probes, snapshots, and the pieces of bodies that fit no datagram (docs/protocols/multicast.md,
// sections 4.10 to 4.12).
namespace strata::multicast {

struct Probe {
  uint64_t nonce = 0;
  bool answer_to_group = false;
  bool answer_padded = false;
  uint16_t padding = 0;  // Zero bytes behind; decoders report how many there were.
  friend bool operator==(const Probe&, const Probe&) = default;
};
struct ProbeReply {
  uint64_t nonce = 0;
  bool by_multicast = false;
  bool to_group = false;
  uint16_t mtu = 0;
  MemberInfo self;
  uint64_t log_seen = 0;
  uint16_t padding = 0;
  friend bool operator==(const ProbeReply&, const ProbeReply&) = default;
};

struct SnapshotRequest {
  uint64_t nonce = 0;
  uint64_t min_commit = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  friend bool operator==(const SnapshotRequest&, const SnapshotRequest&) = default;
};
struct SnapshotChunk {
  uint64_t nonce = 0;
  uint64_t commit = 0;
  uint64_t total = 0;
  uint64_t offset = 0;
  bool not_ready = false;
  bool refused = false;
  ByteSpan bytes;  // Points into the body.
};

struct Fragment {
  uint8_t inner_type = 0;
  uint16_t index = 0;
  uint16_t count = 0;
  uint32_t body_id = 0;
  ByteSpan bytes;  // Points into the body.
};

void Encode(const Probe& body, ByteWriter& out);
void Encode(const ProbeReply& body, ByteWriter& out);
void Encode(const SnapshotRequest& body, ByteWriter& out);
void Encode(const SnapshotChunk& body, ByteWriter& out);
void Encode(const Fragment& body, ByteWriter& out);

Decoded<Probe> DecodeProbe(ByteSpan body);
Decoded<ProbeReply> DecodeProbeReply(ByteSpan body);
Decoded<SnapshotRequest> DecodeSnapshotRequest(ByteSpan body);
Decoded<SnapshotChunk> DecodeSnapshotChunk(ByteSpan body);
Decoded<Fragment> DecodeFragment(ByteSpan body);

}  // namespace strata::multicast
