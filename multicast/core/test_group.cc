#include "multicast/core/test_group.h"

namespace strata::multicast::testing {
namespace {

CoreSettings WithGroup(CoreSettings settings) {
  settings.group = GroupId(7);
  return settings;
}

}  // namespace

MemberInfo MakeMember(uint32_t id, Role role, MemberStatus status) {
  MemberInfo member;
  member.id = MemberId(id);
  member.role = role;
  member.status = status;
  member.priority = role == Role::kManager ? static_cast<uint8_t>(id) : uint8_t{0};
  member.incarnation.bytes.fill(static_cast<uint8_t>(id));
  member.unicast = {IpAddress::V4(10, 0, 0, static_cast<uint8_t>(id)), 5000};
  return member;
}

View MakeView(uint32_t number, std::vector<MemberInfo> members) {
  View view;
  view.number = number;
  view.epoch = {number, members.front().id};
  view.log_number = number;
  view.members = std::move(members);
  return view;
}

View MakeView(uint32_t number, size_t members) {
  std::vector<MemberInfo> list;
  for (uint32_t id = 1; id <= members; ++id) {
    list.push_back(MakeMember(id, id <= 2 ? Role::kManager : Role::kEngine));
    list.back().voter = id <= 3;
  }
  return MakeView(number, std::move(list));
}

Record WholeRecord(Seq seq, std::string_view text, uint8_t more_flags) {
  Record record;
  record.flags = static_cast<uint8_t>(kInit | kNoMore | more_flags);
  record.seq = seq;
  record.message_bytes = static_cast<uint32_t>(text.size());
  record.payload = AsBytes(text);
  return record;
}

TestGroup::TestGroup(Slot self, size_t members, CoreSettings settings)
    : random_(1), group_(WithGroup(std::move(settings)), random_) {
  group_.view = MakeView(1, members);
  for (const MemberInfo& member : group_.view.members) {
    group_.peers.push_back(std::make_shared<Peer>());
    Peer& peer = *group_.peers.back();
    peer.info = member;
    peer.last_heard = peer.last_multicast = peer.last_unicast = kStart;
    peer.limit_told = group_.settings.receive_records;
  }
  group_.self = group_.view.members[self];
  group_.self_slot = self;
  group_.synced = true;
  group_.outbox.SetSelf(group_.self);
  group_.outbox.SetView(group_.view);
  group_.board.Reset(members);
}

void TestGroup::Hold(Slot slot, StreamId stream, Seq from, Seq to, uint8_t more_flags) {
  PeerStream& side = StreamOf(slot, stream);
  side.known = true;
  side.SetKind((more_flags & kReceived) != 0);
  for (Seq seq = from; seq <= to; ++seq) {
    const Record record = WholeRecord(seq, "message", more_flags);
    const auto inserted = side.records.Insert(record, Stream::kCapacity, kStart);
    STRATA_CHECK(inserted.result == Stream::Insertion::kNew);
  }
}

std::vector<SentPacket> TestGroup::Sent() const {
  std::vector<SentPacket> sent;
  for (const TransmitAction& action : Actions<TransmitAction>()) {
    const Decoded<Header> header = DecodeHeader(action.datagram);
    STRATA_CHECK(std::holds_alternative<Header>(header));
    sent.push_back({static_cast<PacketType>(std::get<Header>(header).type), action.to,
                    action.unicast, std::get<Header>(header),
                    action.datagram.subspan(kHeaderBytes)});
  }
  return sent;
}

}  // namespace strata::multicast::testing
