#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/time.h"
#include "multicast/wire/types.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/failure.h"
#include "tests/simulation/message_registry.h"
#include "tests/simulation/network.h"
#include "tests/simulation/packet.h"
#include "tests/simulation/replicated_state.h"

namespace strata::simulation {

// What a checker may look at in a member: the real core's accessors, and the application's state.
class MemberProbe {
 public:
  virtual ~MemberProbe() = default;

  virtual multicast::MemberId id() const = 0;
  // The process runs (perhaps stopped by a signal). Nothing else may be asked unless it does.
  virtual bool running() const = 0;
  virtual int life() const = 0;  // Starts of the process and rejoins.
  virtual const multicast::View& view() const = 0;
  virtual multicast::MemberStatus status() const = 0;
  virtual multicast::Incarnation incarnation() const = 0;
  virtual multicast::Seq held(multicast::Slot slot, multicast::StreamId stream) const = 0;
  virtual uint64_t commit_number() const = 0;
  virtual bool synced() const = 0;
  virtual bool frozen() const = 0;
  virtual multicast::Epoch promised() const = 0;

  // The view that the application was told last, and its state.
  virtual const multicast::View& shown_view() const = 0;
  virtual const ReplicatedState& state() const = 0;
  // The state is whole: from the founding, a snapshot or the first view on.
  virtual bool state_complete() const = 0;
};

struct Delivery {
  multicast::MemberId origin{};
  multicast::StreamId stream = 0;
  multicast::Seq last_seq = 0;
  uint64_t number = 0;  // 0: received delivery.
  MessageId id = 0;
  uint64_t hash = 0;
  size_t bytes = 0;
};

enum class Sent : uint8_t { kGroup, kAcks, kUnicast, kMulticastOnly };

struct ReplySeen {
  multicast::MemberId member{};
  uint64_t hash = 0;
};

// Is told everything that happens, as it happens. Checkers and counters of events derive from it.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void OnTransmit(const MemberProbe&, const Packet&, Sent) {}
  virtual void OnLost(const MemberProbe& /*receiver*/, const Packet&) {}  // By the network.
  virtual void OnHanded(const MemberProbe&, const Packet&) {}  // Before the core sees it.
  // It decided on the view of its ballot: what it hears from now on does not count.
  virtual void OnDecided(const MemberProbe&, const multicast::Epoch&) {}
  // Before the application appends it to its state.
  virtual void OnDeliver(const MemberProbe&, const Delivery&) {}
  // shown_view() is still the former.
  virtual void OnViewChanged(const MemberProbe&, const multicast::View&, multicast::MemberStatus) {}
  // A founding: `lineage` starts from what `parent` had up to `base`.
  virtual void OnFounded(const MemberProbe&, uint32_t /*lineage*/, uint32_t /*parent*/,
                         uint64_t /*base*/) {}
  virtual void OnLeft(const MemberProbe&, bool /*overrun*/) {}
  virtual void OnDiverged(const MemberProbe&, uint64_t /*first*/, uint64_t /*last*/) {}
  // state() is the new one.
  virtual void OnSnapshotInstalled(const MemberProbe&, uint64_t /*commit*/) {}
  virtual void OnSent(const MemberProbe&, const SentMessage&) {}
  virtual void OnSendDone(const MemberProbe&, const SentMessage&, const std::vector<ReplySeen>&) {}
  virtual void OnReplied(const MemberProbe&, MessageId, uint64_t /*hash*/) {}
  // The core took the application's word that it has all that a full member needs.
  virtual void OnReady(const MemberProbe&) {}
  // It begins to write intent, in a term of its own, or does so in the end; `orders`: what its
  // store has.
  virtual void OnLeads(const MemberProbe&, uint64_t /*term*/,
                       const std::set<uint64_t>& /*orders*/) {}
  virtual void OnAcknowledged(const MemberProbe&, uint64_t /*order*/) {}
  virtual void OnTurnEnd(const MemberProbe&) {}
  virtual void OnStarted(const MemberProbe&, bool /*with_disk*/) {}
  virtual void OnCrashed(const MemberProbe&, size_t /*open_sends*/) {}
  // All is quiet: every member that runs is in one view. `last` is one of its full members.
  virtual void OnEnd(const MemberProbe& /*last*/) {}
};

// What checkers share: the members, the messages, the time, and where failures go.
class Stage {
 public:
  Stage(MessageRegistry& messages, const EventQueue& queue) : messages_(messages), queue_(queue) {}

  void Add(const MemberProbe* member) { members_.push_back(member); }
  const std::vector<const MemberProbe*>& members() const { return members_; }
  const MemberProbe* Find(multicast::MemberId id) const;
  MessageRegistry& messages() { return messages_; }
  Timestamp now() const { return queue_.now(); }

  void Fail(const char* checker, const char* format, ...) __attribute__((format(printf, 3, 4)));
  const std::vector<Failure>& failures() const { return failures_; }

 private:
  MessageRegistry& messages_;
  const EventQueue& queue_;
  std::vector<const MemberProbe*> members_;
  std::vector<Failure> failures_;
};

}  // namespace strata::simulation
