#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/bytes.h"
#include "multicast/driver/application.h"
#include "multicast/driver/driver.h"
#include "multicast/driver/limits.h"

namespace strata::multicast {

// Carries sends and calls from any thread to the driver's, bounded; full is a refusal. Sends keep
// their order and get their id here, at once: a ticket, which differs from the core's number of
// the send. What the core has no room for yet waits here, so that the queue fills and Send refuses.
// A send that the core refuses for another reason ends as aborted, reason kAbortQueueCleared: it
// never left. In steady state a send allocates nothing.
class Mailbox final : public CommandSource {
 public:
  using CallFunction = std::function<void(Driver&)>;

  // `wake` ends the driver's wait. `application` hears of sends that never left.
  Mailbox(std::function<void()> wake, GroupApplication& application);

  // ---- Any thread.
  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options);
  bool Post(CallFunction call);  // False: full.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

  // ---- The driver's thread.
  void Take(Driver& driver) override;
  bool MayWait() override;
  void Awake() override;
  // Whether a Send makes sense at all, as far as the last view tells.
  void SetMember(bool member) { member_.store(member, std::memory_order_relaxed); }
  void Abort(Driver& driver, SendId ticket, uint16_t reason);
  // The ticket of a send that ended; forgets it.
  SendId Ended(SendId core_id);

  // ---- After the driver's thread has ended: executes the calls that are left.
  void TakeLeftCalls(Driver& driver);

 private:
  enum class Kind : uint8_t { kUnused, kCommitted, kReceived };

  struct Slot {
    StreamId stream = 0;
    SendOptions options;
    Bytes message;
    uint16_t aborted = 0;  // Reason, if aborted before the core saw it.
  };
  static constexpr uint64_t kMask = kMailboxSends - 1;
  static_assert((kMailboxSends & kMask) == 0);

  std::optional<SendRefusal> Check(StreamId stream, size_t bytes, const SendOptions& options) const;
  void WakeDriver();
  void TakeCalls(Driver& driver);
  void TakeSends(Driver& driver);
  bool TakeSend(Driver& driver, Slot& slot, SendId ticket);
  void NeverLeft(SendId ticket, uint16_t reason);
  void Release(Slot& slot);

  const std::function<void()> wake_;
  GroupApplication& application_;

  // Between threads.
  std::atomic<bool> waiting_ = false;  // The driver waits and wants to be woken.
  std::atomic<bool> member_ = false;
  std::atomic<uint64_t> refused_ = 0;
  std::atomic<uint64_t> head_ = 0;   // Sends taken by the driver; it alone writes.
  std::atomic<uint64_t> tail_ = 0;   // Sends put in; written under send_mutex_.
  std::atomic<uint64_t> bytes_ = 0;  // In the slots between.
  std::atomic<size_t> calls_left_ = 0;

  // Slots between head_ and tail_ are the driver's, the others are under send_mutex_.
  std::mutex send_mutex_;
  std::vector<Slot> slots_{kMailboxSends};
  std::array<Kind, kMaxStreams> kinds_{};

  std::mutex call_mutex_;
  std::vector<CallFunction> calls_;

  // The driver's.
  bool stuck_ = false;  // The core had no room for the first send, in this turn.
  std::vector<CallFunction> taken_calls_;
  absl::flat_hash_map<SendId, SendId> ticket_of_;   // By the core's id.
  absl::flat_hash_map<SendId, SendId> core_id_of_;  // By ticket.
};

}  // namespace strata::multicast
