#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "multicast/wire/types.h"

// What the core wants done. The driver takes the actions after each turn and executes them in
// order; spans in them are valid until ActionBatch::Clear().
namespace strata::multicast {

using SendId = uint64_t;        // From 1, counted by the core.
using PrepareToken = uint64_t;  // From 1.
using TransferId = uint64_t;    // From 1.

// Where a datagram goes.
enum class Destination : uint8_t {
  kGroup,          // Group address, data port; under fan-out each address of Core::fan_out().
  kAcks,           // Group address, ack port; under fan-out each address of Core::fan_out().
  kUnicast,        // TransmitAction::unicast.
  kMulticastOnly,  // Group address, data port, also under fan-out.
};

struct TransmitAction {
  Destination to = Destination::kGroup;
  Endpoint unicast;
  // Header (counter, key id, sealed flag unset) and body, followed by kTagBytes of room that belong
  // to the datagram's memory but not to this span. The driver may change the bytes.
  std::span<uint8_t> datagram;
};

// Write `state` durably, replacing the previous, then call Core::OnPersisted(id).
struct PersistAction {
  uint64_t id = 0;
  Bytes state;
};

// A message for the application.
struct DeliverAction {
  MemberId origin{};
  StreamId stream = 0;
  Seq last_seq = 0;
  uint64_t commit_number = 0;  // 0: received delivery.
  ByteSpan message;
};

// Ask the application; answer with Core::OnPrepared.
struct PrepareAction {
  PrepareToken token = 0;
  MemberId origin{};
  StreamId stream = 0;
  Seq last_seq = 0;
  ByteSpan message;
};

enum class SendOutcome : uint8_t { kCommitted, kAborted, kUnknown, kReceived };
struct Reply {
  MemberId member{};
  Bytes bytes;
  friend bool operator==(const Reply&, const Reply&) = default;
};
// A send ended. Exactly one for each accepted Send.
struct SendDoneAction {
  SendId id = 0;
  SendOutcome outcome = SendOutcome::kUnknown;
  uint64_t commit_number = 0;  // kCommitted
  uint16_t reason = 0;         // kAborted: AbortReason or the application's.
  std::vector<Reply> replies;  // kCommitted with the replies option; missing ones are missing.
};

// The member's view changed, at this place in the order of deliveries.
struct ViewChangedAction {
  View view;
  MemberStatus status = MemberStatus::kNone;  // This member's.
};

// This member left its view (evicted, or it starts over): it has no view until the next
// ViewChangedAction, and its state is stale until the next InstallSnapshotAction.
struct LeftViewAction {
  enum class Why : uint8_t { kEvicted, kOverrun, kDiverged, kAsked } why = Why::kEvicted;
};

// Quorum none: commits `first` to `last` were made alone and lost against a higher epoch. Precedes
// the LeftViewAction.
struct DivergedAction {
  uint64_t first = 0;
  uint64_t last = 0;
};

// Take a snapshot of the application state as it is after all deliveries up to here; hand it to
// Core::OnSnapshotTaken, at any later time. Learner and light: for whom; a light one needs only
// what it keeps.
struct TakeSnapshotAction {
  TransferId transfer = 0;
  uint64_t commit_number = 0;
  MemberId learner{};
  bool light = false;
};

// Replace the application state by this one.
struct InstallSnapshotAction {
  uint64_t commit_number = 0;
  ByteSpan state;
};

// A view evicted these members: bring the others a new key, by their own channels.
struct RotateKeyAction {
  std::vector<MemberId> evicted;
};

enum class Alarm : uint8_t {
  kNoMulticast,    // Multicast does not arrive, unicast does: fan-out follows if allowed.
  kMulticastBack,  // Fan-out ended.
  kNoMajority,     // Read-only: too few voters reachable.
  kMajorityBack,
  kDuplicateId,  // A live member's id was used by another process.
  kJoinRefused,  // This member was refused; reason in `detail` (JoinRefusal).
  kMtu,          // A joiner answers only small probes.
  kTooManyQuorums,
};
// For logs: "no_majority", "evicted".
std::string_view ToString(Alarm alarm);
std::string_view ToString(LeftViewAction::Why why);
struct AlarmAction {
  Alarm alarm = Alarm::kNoMajority;
  MemberId member{};
  uint16_t detail = 0;
};

using Action =
    std::variant<TransmitAction, DeliverAction, PersistAction, PrepareAction, SendDoneAction,
                 ViewChangedAction, LeftViewAction, DivergedAction, TakeSnapshotAction,
                 InstallSnapshotAction, RotateKeyAction, AlarmAction>;

// The ordered output of one turn, and the memory behind it. Owned by the core; keeps its capacity.
class ActionBatch {
 public:
  std::span<Action> actions() { return actions_; }
  bool empty() const { return actions_.empty(); }

  // Forgets the actions and releases what they point to.
  void Clear();

  // For the core: appends.
  template <class A>
  A& Add(A action) {
    return std::get<A>(actions_.emplace_back(std::move(action)));
  }
  // Takes back the actions behind the first `count`; their memory stays until Clear().
  void DropLast(size_t count) { actions_.resize(count, Action(AlarmAction())); }
  // Memory that lives until Clear(): `n` bytes and, behind them, `spare` more.
  std::span<uint8_t> Allocate(size_t n, size_t spare = 0);
  // Gives back the end of the last allocation.
  void Shrink(std::span<uint8_t> last, size_t used, size_t spare = 0);
  // A copy that lives until Clear().
  ByteSpan Copy(ByteSpan bytes);
  // Keeps `bytes` alive until Clear().
  ByteSpan Hold(Bytes bytes);

 private:
  static constexpr size_t kBlockBytes = size_t{256} << 10;

  std::vector<Action> actions_;
  std::vector<std::unique_ptr<uint8_t[]>> blocks_;  // Each of kBlockBytes, reused.
  size_t block_ = 0;                                // In use.
  size_t used_ = 0;                                 // Bytes of blocks_[block_].
  std::vector<std::unique_ptr<uint8_t[]>> large_;   // Allocations that fit no block.
  std::vector<Bytes> held_;
};

}  // namespace strata::multicast
