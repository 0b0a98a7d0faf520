#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "common/time.h"
#include "multicast/core/actions.h"
#include "multicast/core/stream.h"
#include "multicast/wire/types.h"

namespace strata::multicast {

// A message before whose last record this member's ACK position stops.
struct Gate {
  enum class Kind : uint8_t {
    kPreparing,  // The application was asked, or will be.
    kRefused,    // It refused; the SM has yet to abort.
    kFrozen,     // An abort is on its way.
  };
  Kind kind = Kind::kPreparing;
  Seq from = 0;
  Seq last = 0;
  uint16_t reason = 0;     // kRefused, kFrozen
  PrepareToken token = 0;  // kPreparing; 0 until the application was asked.
  Timestamp deadline;      // kPreparing: refuse then. kRefused: say so again then.
};

// One stream of a peer as this member has it: the records, and what holds back its ACK.
struct PeerStream {
  Stream records;
  bool received = false;  // Kind of delivery, by the first record; counts once typed.
  bool typed = false;     // The kind is known.
  bool known = false;     // Something of it was seen, or the view told its position.
  // The first message with the prepare flag, 0: none so far. From there on the owner acknowledges
  // its own stream explicitly, before that its DATA is acknowledgement enough.
  Seq first_prepare = 0;
  Seq prepares_seen = 0;     // Messages up to here were looked at for the flag.
  std::vector<Gate> gates;   // By `last`.
  Seq acked = 0;             // Told in this epoch's ACKs.
  Seq sent = UINT64_MAX;     // The own streams: transmitted up to here; nobody else can hold more.
  bool in_ack_list = false;  // Listed for the next ACK.
  bool in_gap_list = false;  // Listed as having something missing.

  void SetKind(bool is_received) {
    received = is_received;
    typed = true;
  }
  // The position that this member may acknowledge.
  Seq ackable() const {
    const Seq held = std::min(records.held(), sent);
    return gates.empty() || gates.front().last > held ? held : gates.front().last - 1;
  }
  Gate* FindGate(Seq last) {
    for (Gate& gate : gates) {
      if (gate.last == last) return &gate;
    }
    return nullptr;
  }
  // Where the first frozen message starts. The owner of the stream sends nothing from there on: it
  // could not vouch for what comes behind.
  Seq FrozenFrom() const {
    for (const Gate& gate : gates) {
      if (gate.kind == Gate::Kind::kFrozen) return gate.from;
    }
    return UINT64_MAX;
  }
  void AddGate(const Gate& gate) {
    auto at = gates.begin();
    while (at != gates.end() && at->last < gate.last) ++at;
    gates.insert(at, gate);
  }
  // Removes the gates of everything that is decided.
  void OpenGatesUpTo(Seq seq) {
    while (!gates.empty() && gates.front().last <= seq) gates.erase(gates.begin());
  }
};

// One incarnation of one member, this one included, as long as it is in the view or its committed
// messages wait to be applied. Shared by the view and by the log records that name it.
struct Peer {
  MemberInfo info;
  std::array<PeerStream, kStreamSlots> streams;
  bool in_view = true;
  uint32_t limit_told = 0;   // Last limit granted to it by this member, low 32 bits.
  Timestamp last_heard;      // By any path, in this epoch.
  Timestamp last_multicast;  // By multicast.
  Timestamp last_unicast;    // By unicast.

  // Records of all streams that were delivered or skipped.
  uint64_t Released() const {
    uint64_t sum = 0;
    for (const PeerStream& stream : streams) sum += stream.records.delivered();
    return sum;
  }
  // Records in memory that are not delivered yet: what the reservation must cover.
  uint64_t Stored() const {
    uint64_t sum = 0;
    for (const PeerStream& stream : streams) sum += stream.records.stored();
    return sum;
  }
};

}  // namespace strata::multicast
