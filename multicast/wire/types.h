#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"
#include "common/strong_id.h"
#include "multicast/wire/limits.h"

// The protocol's nouns (docs/protocols/multicast.md, section 1 and 4.8): plain values without
// policy.
namespace strata::multicast {

// A member's durable id, unique in its group; 0 is nobody.
using MemberId = StrongId<struct MemberIdTag, uint32_t>;
using GroupId = StrongId<struct GroupIdTag, uint64_t>;

// Position in a view's list of members; equals the rank. 0 is the SM.
using Slot = uint8_t;
inline constexpr Slot kNoSlot = 0xff;

using StreamId = uint8_t;  // 0 to kStreamSlots - 1
using Seq = uint64_t;      // From 1; 0 stands before the first record.

// 128 random bits, new at each start and each rejoin of a member.
struct Incarnation {
  std::array<uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const Incarnation&, const Incarnation&) = default;
};

// Epoch of a view, ballot of a proposal. Ordered by counter, then proposer.
struct Epoch {
  uint64_t counter = 0;
  MemberId proposer{};
  friend constexpr auto operator<=>(const Epoch&, const Epoch&) = default;
};

enum class Role : uint8_t { kManager = 1, kEngine = 2, kSwitch = 3, kWitness = 4, kObserver = 5 };
enum class MemberStatus : uint8_t { kNone = 0, kLearner = 1, kFull = 2, kWitness = 3 };

struct MemberInfo {
  MemberId id{};
  Role role = Role::kEngine;
  MemberStatus status = MemberStatus::kNone;
  bool voter = false;
  bool light = false;    // Its application keeps a part of the state: it gives it to nobody.
  uint8_t priority = 0;  // Managers: the configured order of take-over, smallest first.
  Incarnation incarnation;
  uint8_t version_min = kProtocolVersion;
  uint8_t version_max = kProtocolVersion;
  // The highest version that its application speaks; 0: it does not tell. For the application.
  uint8_t application_version = 0;
  uint16_t mtu = 1500;
  Endpoint unicast;
  friend bool operator==(const MemberInfo&, const MemberInfo&) = default;
};

struct View {
  Epoch epoch;
  uint32_t number = 0;  // 0: no view.
  uint8_t version = kProtocolVersion;
  bool fan_out = false;
  bool quorum_none = false;
  uint64_t log_number = 0;          // The view's own place in the log.
  std::vector<MemberInfo> members;  // In rank order; members[0] is the SM.

  // The slot of `id`, or kNoSlot.
  Slot SlotOf(MemberId id) const;
  // The slot of exactly this incarnation of `id`, or kNoSlot.
  Slot SlotOf(MemberId id, const Incarnation& incarnation) const;

  friend bool operator==(const View&, const View&) = default;
};

// Where a stream stands.
struct Position {
  Slot slot = 0;
  StreamId stream = 0;
  Seq seq = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

// The records of one message, both ends included.
struct Range {
  Slot slot = 0;
  StreamId stream = 0;
  uint16_t reason = 0;
  Seq from = 0;
  Seq to = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// Reasons of an abort; the application's own start at kApplicationReason.
enum AbortReason : uint16_t {
  kAbortedBySender = 1,
  kAbortRefused = 2,
  kAbortPrepareTimeout = 3,
  kAbortTargetEvicted = 4,
  kAbortQueueCleared = 5,
  kApplicationReason = 256,
};

// How much of a sender's records the receiver takes; low 32 bits.
struct Limit {
  Slot slot = 0;
  uint32_t records = 0;
  friend bool operator==(const Limit&, const Limit&) = default;
};

// One numbered entry of the commit log.
struct LogRecord {
  enum class Kind : uint8_t { kAdvance = 1, kAborted = 2, kView = 3 };
  Kind kind = Kind::kAdvance;
  std::vector<Position> positions;  // kAdvance
  std::vector<Range> ranges;        // kAborted
  std::optional<View> view;         // kView
  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

// Texts for logs and tools. An epoch is "12.7": counter, then proposer.
std::string ToString(const Epoch& epoch);
std::string ToString(const Incarnation& incarnation);  // 32 hex digits
std::string_view ToString(Role role);
std::string_view ToString(MemberStatus status);

}  // namespace strata::multicast
