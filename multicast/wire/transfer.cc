#include "multicast/wire/transfer.h"

#include <algorithm>
#include <limits>

#include "multicast/wire/codec.h"
#include "multicast/wire/views.h"

namespace strata::multicast {
namespace {

using namespace internal;  // NOLINT(google-build-using-namespace): the room's own pieces.

constexpr uint8_t kAnswerToGroup = 0x01;
constexpr uint8_t kAnswerPadded = 0x02;
constexpr uint8_t kByMulticast = 0x01;
constexpr uint8_t kToGroup = 0x02;
constexpr uint8_t kNotReady = 0x01;
constexpr uint8_t kRefused = 0x02;

uint16_t PaddingOf(const ByteReader& in) {
  constexpr size_t kMax = std::numeric_limits<uint16_t>::max();
  return static_cast<uint16_t>(std::min(in.remaining(), kMax));
}

bool LiesInSnapshot(const SnapshotChunk& chunk) {
  return chunk.total <= kMaxSnapshotBytes && chunk.offset <= chunk.total &&
         chunk.bytes.size() <= chunk.total - chunk.offset;
}

// Only control bodies are cut, and no fragment is.
bool MayBeCut(uint8_t type) {
  return type != 0 && type != static_cast<uint8_t>(PacketType::kData) &&
         type != static_cast<uint8_t>(PacketType::kFragment) && type < kSealedBit;
}

}  // namespace

void Encode(const Probe& body, ByteWriter& out) {
  out.U64(body.nonce);
  out.U8(static_cast<uint8_t>((body.answer_to_group ? kAnswerToGroup : 0) |
                              (body.answer_padded ? kAnswerPadded : 0)));
  PutZeros(3, out);
  PutZeros(body.padding, out);
}

Decoded<Probe> DecodeProbe(ByteSpan body) {
  ByteReader in(body);
  Probe probe;
  probe.nonce = in.U64();
  const uint8_t flags = in.U8();
  probe.answer_to_group = (flags & kAnswerToGroup) != 0;
  probe.answer_padded = (flags & kAnswerPadded) != 0;
  in.Skip(3);
  probe.padding = PaddingOf(in);
  return Result(probe, in);
}

void Encode(const ProbeReply& body, ByteWriter& out) {
  out.U64(body.nonce);
  out.U8(static_cast<uint8_t>((body.by_multicast ? kByMulticast : 0) |
                              (body.to_group ? kToGroup : 0)));
  out.U8(0);
  out.U16(body.mtu);
  Encode(body.self, out);
  out.U64(body.log_seen);
  PutZeros(body.padding, out);
}

Decoded<ProbeReply> DecodeProbeReply(ByteSpan body) {
  ByteReader in(body);
  ProbeReply reply;
  reply.nonce = in.U64();
  const uint8_t flags = in.U8();
  reply.by_multicast = (flags & kByMulticast) != 0;
  reply.to_group = (flags & kToGroup) != 0;
  in.Skip(1);
  reply.mtu = in.U16();
  reply.self = TakeMember(in);
  reply.log_seen = in.U64();
  reply.padding = PaddingOf(in);
  return Result(reply, in);
}

void Encode(const SnapshotRequest& body, ByteWriter& out) {
  out.U64(body.nonce);
  out.U64(body.min_commit);
  out.U64(body.offset);
  out.U32(body.bytes);
  out.U32(0);
}

Decoded<SnapshotRequest> DecodeSnapshotRequest(ByteSpan body) {
  ByteReader in(body);
  SnapshotRequest request;
  request.nonce = in.U64();
  request.min_commit = in.U64();
  request.offset = in.U64();
  request.bytes = in.U32();
  in.Skip(4);
  return Result(request, in);
}

void Encode(const SnapshotChunk& body, ByteWriter& out) {
  out.U64(body.nonce);
  out.U64(body.commit);
  out.U64(body.total);
  out.U64(body.offset);
  out.U8(static_cast<uint8_t>((body.not_ready ? kNotReady : 0) | (body.refused ? kRefused : 0)));
  PutZeros(3, out);
  out.Put(body.bytes);
}

Decoded<SnapshotChunk> DecodeSnapshotChunk(ByteSpan body) {
  ByteReader in(body);
  SnapshotChunk chunk;
  chunk.nonce = in.U64();
  chunk.commit = in.U64();
  chunk.total = in.U64();
  chunk.offset = in.U64();
  const uint8_t flags = in.U8();
  chunk.not_ready = (flags & kNotReady) != 0;
  chunk.refused = (flags & kRefused) != 0;
  in.Skip(3);
  chunk.bytes = in.Rest();
  const bool has_state = !chunk.not_ready && !chunk.refused;
  if (has_state && !LiesInSnapshot(chunk)) in.Fail();
  return Result(chunk, in);
}

void Encode(const Fragment& body, ByteWriter& out) {
  out.U8(body.inner_type);
  out.U8(0);
  out.U16(body.index);
  out.U16(body.count);
  out.U16(0);
  out.U32(body.body_id);
  out.Put(body.bytes);
}

Decoded<Fragment> DecodeFragment(ByteSpan body) {
  ByteReader in(body);
  Fragment fragment;
  fragment.inner_type = in.U8();
  in.Skip(1);
  fragment.index = in.U16();
  fragment.count = in.U16();
  in.Skip(2);
  fragment.body_id = in.U32();
  fragment.bytes = in.Rest();
  if (!MayBeCut(fragment.inner_type) || fragment.index >= fragment.count ||
      fragment.count > kMaxFragments || fragment.bytes.empty()) {
    in.Fail();
  }
  return Result(fragment, in);
}

}  // namespace strata::multicast
