#include "tests/simulation/fragments.h"

#include <utility>

namespace strata::simulation {

PacketPtr FragmentJoiner::Add(const Packet& fragment) {
  const auto* note = fragment.As<FragmentNote>();
  if (note == nullptr || note->count == 0 || note->index >= note->count) return nullptr;
  auto decoded = multicast::DecodeFragment(fragment.body());
  ByteSpan bytes = std::get<multicast::Fragment>(decoded).bytes;
  Key key{fragment.header().sender, fragment.header().incarnation, note->inner_type, note->body_id};
  Body& body = bodies_[key];
  if (body.pieces.size() != note->count) {
    body.pieces.assign(note->count, {});
    body.missing = note->count;
  }
  Bytes& piece = body.pieces[note->index];
  if (piece.empty() && !bytes.empty()) {
    piece.assign(bytes.begin(), bytes.end());
    --body.missing;
  }
  if (body.missing > 0) return nullptr;
  multicast::Header header = fragment.header();
  header.type = note->inner_type;
  Bytes datagram(multicast::kHeaderBytes);
  multicast::Encode(header, std::span<uint8_t, multicast::kHeaderBytes>(datagram.data(),
                                                                        multicast::kHeaderBytes));
  for (const Bytes& p : body.pieces) datagram.insert(datagram.end(), p.begin(), p.end());
  bodies_.erase(key);
  return Packet::Parse(std::move(datagram));
}

}  // namespace strata::simulation
