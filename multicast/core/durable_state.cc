#include "multicast/core/durable_state.h"

#include <utility>

namespace strata::multicast {
namespace {

constexpr uint32_t kDurableMagic = 0x53744d47;  // "StMG"
constexpr uint16_t kFormat = 1;
constexpr size_t kFixedBytes = 64;
constexpr uint8_t kHasInstalled = 1;
constexpr uint8_t kHasAccepted = 2;

}  // namespace

Bytes EncodeDurable(const DurableState& state) {
  size_t size = kFixedBytes;
  if (state.installed) size += EncodedSizeMax(*state.installed);
  if (state.accepted) size += EncodedSizeMax(*state.accepted);
  Bytes bytes(size);
  ByteWriter out(bytes);
  out.U32(kDurableMagic);
  out.U16(kFormat);
  out.U8(static_cast<uint8_t>((state.installed ? kHasInstalled : 0) |
                              (state.accepted ? kHasAccepted : 0)));
  out.U8(0);
  out.U64(state.group.value());
  out.U32(state.member.value());
  out.Put(state.incarnation.bytes);
  out.U64(state.promised.counter);
  out.U32(state.promised.proposer.value());
  if (state.installed) Encode(*state.installed, out);
  if (state.accepted) Encode(*state.accepted, out);
  bytes.resize(out.size());
  return bytes;
}

StatusOr<DurableState> DecodeDurable(ByteSpan bytes, GroupId group, MemberId member) {
  ByteReader in(bytes);
  if (in.U32() != kDurableMagic || !in.ok())
    return DataLoss("the durable state is not one of Strata's");
  const uint16_t format = in.U16();
  if (format != kFormat) {
    return DataLoss("the durable state has format %u; this version reads %u", unsigned{format},
                    unsigned{kFormat});
  }
  const uint8_t has = in.U8();
  in.Skip(1);
  DurableState state;
  state.group = GroupId(in.U64());
  state.member = MemberId(in.U32());
  in.Read(state.incarnation.bytes);
  state.promised.counter = in.U64();
  state.promised.proposer = MemberId(in.U32());
  if (!in.ok()) return DataLoss("the durable state ends early");
  if (state.group != group || state.member != member) {
    return DataLoss(
        "the durable state belongs to member %u of group %llu, not to member %u of %llu",
        state.member.value(), static_cast<unsigned long long>(state.group.value()), member.value(),
        static_cast<unsigned long long>(group.value()));
  }
  if (has & kHasInstalled) state.installed = DecodeView(in);
  if (!in.ok()) return DataLoss("the installed view in the durable state is malformed");
  if (has & kHasAccepted) {
    Decoded<ViewProposal> accepted = DecodeViewProposal(in.Rest());
    if (!std::holds_alternative<ViewProposal>(accepted)) {
      return DataLoss("the accepted proposal in the durable state is malformed");
    }
    state.accepted = std::move(std::get<ViewProposal>(accepted));
  }
  return state;
}

}  // namespace strata::multicast
