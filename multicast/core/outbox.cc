#include "multicast/core/outbox.h"

#include <algorithm>

#include "common/check.h"

namespace strata::multicast {
namespace {

constexpr size_t kFragmentHeaderBytes = 12;

}  // namespace

void Outbox::SetSelf(const MemberInfo& self) {
  header_.sender = self.id;
  header_.incarnation = self.incarnation;
  const size_t below = self.unicast.ip.IsV6() ? kIpv6UdpHeaderBytes : kIpv4UdpHeaderBytes;
  max_body_ = std::clamp(self.mtu, kMinMtu, kMaxMtu) - below - kHeaderBytes - kTagBytes;
}

void Outbox::SetView(const View& view) {
  header_.epoch = view.epoch;
  header_.view_number = view.number;
  header_.version = kProtocolVersion;
}

std::span<uint8_t> Outbox::Begin(PacketType type) {
  std::span<uint8_t> datagram = batch_.Allocate(kHeaderBytes + max_body_, kTagBytes);
  header_.type = static_cast<uint8_t>(type);
  Encode(header_, datagram.first<kHeaderBytes>());
  return datagram;
}

void Outbox::Finish(std::span<uint8_t> datagram, size_t used, const To& to, bool ok) {
  STRATA_CHECK(ok, "a packet of type %u outgrew its datagram", unsigned{header_.type});
  batch_.Shrink(datagram, used, kTagBytes);
  batch_.Add(TransmitAction{to.destination, to.unicast, datagram.first(used)});
}

void Outbox::SendCut(PacketType type, ByteSpan body, const To& to) {
  if (body.size() <= max_body_) {
    SendBody(type, to, [&](ByteWriter& out) { out.Put(body); });
    return;
  }
  if (body_id_ == 0 || type != cut_type_ || !std::ranges::equal(body, cut_body_)) {
    ++body_id_;
    cut_type_ = type;
    cut_body_.assign(body.begin(), body.end());
  }
  const size_t piece = max_body_ - kFragmentHeaderBytes;
  Fragment fragment;
  fragment.inner_type = static_cast<uint8_t>(type);
  fragment.count = static_cast<uint16_t>((body.size() + piece - 1) / piece);
  fragment.body_id = body_id_;
  for (fragment.index = 0; fragment.index < fragment.count; ++fragment.index) {
    const size_t from = fragment.index * piece;
    fragment.bytes = body.subspan(from, std::min(piece, body.size() - from));
    Send(PacketType::kFragment, fragment, to);
  }
}

}  // namespace strata::multicast
