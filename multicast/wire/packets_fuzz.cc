#include <array>

#include "common/check.h"
#include "multicast/wire/packets.h"

// A datagram without seal: whatever of it decodes must encode to bytes that decode to the same, and
// in as many bytes as EncodedSizeMax says.

namespace strata::multicast {
namespace {

bool Same(ByteSpan a, ByteSpan b) { return AsText(a) == AsText(b); }

bool Same(const SnapshotChunk& a, const SnapshotChunk& b) {
  return a.nonce == b.nonce && a.commit == b.commit && a.total == b.total && a.offset == b.offset &&
         a.not_ready == b.not_ready && a.refused == b.refused && Same(a.bytes, b.bytes);
}
bool Same(const Fragment& a, const Fragment& b) {
  return a.inner_type == b.inner_type && a.index == b.index && a.count == b.count &&
         a.body_id == b.body_id && Same(a.bytes, b.bytes);
}
template <class T>
bool Same(const T& a, const T& b) {
  return a == b;
}

template <class T>
void CheckBody(ByteSpan body, Decoded<T> (*decode)(ByteSpan)) {
  const Decoded<T> decoded = decode(body);
  const T* packet = std::get_if<T>(&decoded);
  if (packet == nullptr) {
    STRATA_CHECK(std::get<DecodeError>(decoded) == DecodeError::kMalformed);
    return;
  }
  Bytes buffer(body.size());
  ByteWriter out(buffer);
  Encode(*packet, out);
  STRATA_CHECK(out.ok());
  if constexpr (requires { EncodedSizeMax(*packet); }) {
    STRATA_CHECK(out.size() == EncodedSizeMax(*packet));
  }
  const Decoded<T> again = decode(out.written());
  STRATA_CHECK(std::holds_alternative<T>(again) && Same(std::get<T>(again), *packet));
}

void CheckData(ByteSpan body) {
  DataReader reader(body);
  if (reader.Check()) {
    STRATA_CHECK(!reader.Next());
    return;
  }
  Bytes buffer(body.size());
  ByteWriter out(buffer);
  DataWriter writer(out);
  while (const std::optional<Record> record = reader.Next()) STRATA_CHECK(writer.Add(*record));
  writer.Finish(reader.flags(), reader.origin());
  STRATA_CHECK(out.ok() && Same(out.written(), body));
}

void CheckBodyOf(PacketType type, ByteSpan body) {
  switch (type) {
    case PacketType::kData:
      return CheckData(body);
    case PacketType::kAck:
      return CheckBody(body, DecodeAck);
    case PacketType::kCommit:
      return CheckBody(body, DecodeCommit);
    case PacketType::kResend:
      return CheckBody(body, DecodeResend);
    case PacketType::kHeartbeat:
      return CheckBody(body, DecodeHeartbeat);
    case PacketType::kAbort:
    case PacketType::kAbortAck:
    case PacketType::kRefuse:
      return CheckBody(body, DecodeRanges);
    case PacketType::kPropose:
      return CheckBody(body, DecodePropose);
    case PacketType::kReport:
      return CheckBody(body, DecodeReport);
    case PacketType::kView:
      return CheckBody(body, DecodeViewProposal);
    case PacketType::kViewAck:
    case PacketType::kInstall:
      return CheckBody(body, DecodeBallot);
    case PacketType::kJoin:
      return CheckBody(body, DecodeJoin);
    case PacketType::kJoinRefused:
      return CheckBody(body, DecodeJoinRefused);
    case PacketType::kProbe:
      return CheckBody(body, DecodeProbe);
    case PacketType::kProbeReply:
      return CheckBody(body, DecodeProbeReply);
    case PacketType::kSnapshotRequest:
      return CheckBody(body, DecodeSnapshotRequest);
    case PacketType::kSnapshotChunk:
      return CheckBody(body, DecodeSnapshotChunk);
    case PacketType::kFragment:
      return CheckBody(body, DecodeFragment);
  }
}

void CheckDatagram(ByteSpan datagram) {
  const Decoded<Header> decoded = DecodeHeader(datagram);
  const Header* header = std::get_if<Header>(&decoded);
  if (header == nullptr) return;
  std::array<uint8_t, kHeaderBytes> encoded;
  Encode(*header, encoded);
  STRATA_CHECK(Same(encoded, datagram.first(kHeaderBytes)));
  CheckBodyOf(static_cast<PacketType>(header->type), datagram.subspan(kHeaderBytes));
}

}  // namespace
}  // namespace strata::multicast

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::multicast::CheckDatagram({data, size});
  return 0;
}
