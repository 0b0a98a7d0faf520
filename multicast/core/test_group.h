#pragma once

#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/check.h"
#include "multicast/core/group_state.h"

// What the tests of the core's machines share: a GroupState in a view, without a core around it.
namespace strata::multicast::testing {

inline constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000);

MemberInfo MakeMember(uint32_t id, Role role, MemberStatus status = MemberStatus::kFull);
// Epoch (number, id of the first member), with the members as they are.
View MakeView(uint32_t number, std::vector<MemberInfo> members);
// Members 1 to `members`, all full: two managers, then engines.
View MakeView(uint32_t number, size_t members);

// A message of one record.
Record WholeRecord(Seq seq, std::string_view text, uint8_t more_flags = 0);

struct SentPacket {
  PacketType type;
  Destination to;
  Endpoint unicast;
  Header header;
  ByteSpan body;
};

// Member 1 + `self` of view 1 of MakeView; synced, nothing on its streams.
class TestGroup {
 public:
  explicit TestGroup(Slot self, size_t members = 3, CoreSettings settings = {});

  GroupState& operator*() { return group_; }
  GroupState* operator->() { return &group_; }

  // Makes `status` the one that the view says of `slot`.
  void SetStatus(Slot slot, MemberStatus status) { group_.view.members[slot].status = status; }
  PeerStream& StreamOf(Slot slot, StreamId stream = 0) {
    return group_.peers[slot]->streams[stream];
  }
  // `slot` has sent the messages of one record `from` to `to`, and they are here.
  void Hold(Slot slot, StreamId stream, Seq from, Seq to, uint8_t more_flags = 0);

  // What was sent since the last Clear().
  std::vector<SentPacket> Sent() const;
  template <class Body>
  std::vector<Body> Sent(PacketType type, Decoded<Body> (*decode)(ByteSpan)) const {
    std::vector<Body> bodies;
    for (const SentPacket& packet : Sent()) {
      if (packet.type != type) continue;
      Decoded<Body> decoded = decode(packet.body);
      STRATA_CHECK(std::holds_alternative<Body>(decoded));
      bodies.push_back(std::move(std::get<Body>(decoded)));
    }
    return bodies;
  }
  // The actions of one kind since the last Clear().
  template <class A>
  std::vector<A> Actions() const {
    std::vector<A> actions;
    for (const Action& action : const_cast<ActionBatch&>(group_.batch).actions()) {
      if (const A* found = std::get_if<A>(&action)) actions.push_back(*found);
    }
    return actions;
  }
  void Clear() { group_.batch.Clear(); }

 private:
  SeededRandom random_;
  GroupState group_;
};

}  // namespace strata::multicast::testing
