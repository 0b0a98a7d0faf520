#include "multicast/driver/mailbox.h"

#include <algorithm>
#include <utility>

namespace strata::multicast {

Mailbox::Mailbox(std::function<void()> wake, GroupApplication& application)
    : wake_(std::move(wake)), application_(application) {
  calls_.reserve(64);
  taken_calls_.reserve(64);
}

// ---- Any thread.

std::optional<SendRefusal> Mailbox::Check(StreamId stream, size_t bytes,
                                          const SendOptions& options) const {
  if (!member_.load(std::memory_order_relaxed)) return SendRefusal::kNotMember;
  if (bytes > kMaxMessageBytes) return SendRefusal::kTooLong;
  if (stream >= kMaxStreams) return SendRefusal::kBadStream;
  if (options.received && (options.prepare || options.replies || options.all_of)) {
    return SendRefusal::kBadOptions;
  }
  return std::nullopt;
}

std::variant<SendId, SendRefusal> Mailbox::Send(StreamId stream, ByteSpan message,
                                                const SendOptions& options) {
  if (auto refusal = Check(stream, message.size(), options)) return *refusal;
  uint64_t ticket = 0;
  {
    std::lock_guard lock(send_mutex_);
    Kind kind = options.received ? Kind::kReceived : Kind::kCommitted;
    if (kinds_[stream] != Kind::kUnused && kinds_[stream] != kind) return SendRefusal::kBadStream;
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    uint64_t waiting = bytes_.load(std::memory_order_relaxed);
    bool full = tail - head_.load(std::memory_order_acquire) == kMailboxSends ||
                (waiting > 0 && waiting + message.size() > kMailboxSendBytes);
    if (full) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return SendRefusal::kQueueFull;
    }
    kinds_[stream] = kind;
    Slot& slot = slots_[tail & kMask];
    slot.stream = stream;
    slot.options = options;
    slot.message.assign(message.begin(), message.end());
    slot.aborted = 0;
    bytes_.fetch_add(message.size(), std::memory_order_relaxed);
    ticket = tail + 1;
    tail_.store(ticket);
  }
  WakeDriver();
  return SendId{ticket};
}

bool Mailbox::Post(CallFunction call) {
  {
    std::lock_guard lock(call_mutex_);
    if (calls_.size() >= kMailboxCalls) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    calls_.push_back(std::move(call));
    calls_left_.store(calls_.size());
  }
  WakeDriver();
  return true;
}

// Either this sees that the driver waits, or the driver's MayWait sees what was put in: both
// orders are sequentially consistent.
void Mailbox::WakeDriver() {
  if (waiting_.load() && waiting_.exchange(false)) wake_();
}

// ---- The driver's thread.

bool Mailbox::MayWait() {
  waiting_.store(true);
  bool sends = !stuck_ && tail_.load() != head_.load(std::memory_order_relaxed);
  if (!sends && calls_left_.load() == 0) return true;
  waiting_.store(false, std::memory_order_relaxed);
  return false;
}

void Mailbox::Awake() {
  waiting_.store(false, std::memory_order_relaxed);
  stuck_ = false;  // A new turn may have brought room.
}

void Mailbox::Take(Driver& driver) {
  if (calls_left_.load(std::memory_order_relaxed) != 0) TakeCalls(driver);
  TakeSends(driver);
}

void Mailbox::TakeCalls(Driver& driver) {
  {
    std::lock_guard lock(call_mutex_);
    taken_calls_.swap(calls_);
    calls_left_.store(0);
  }
  for (CallFunction& call : taken_calls_) call(driver);
  taken_calls_.clear();
}

void Mailbox::TakeSends(Driver& driver) {
  if (stuck_) return;
  uint64_t head = head_.load(std::memory_order_relaxed);
  uint64_t end = std::min(tail_.load(std::memory_order_acquire), head + kTurnCommands);
  for (; head != end; ++head) {
    Slot& slot = slots_[head & kMask];
    if (!TakeSend(driver, slot, head + 1)) {
      stuck_ = true;
      break;
    }
    Release(slot);
    head_.store(head + 1, std::memory_order_release);
  }
}

// False: no room in the core.
bool Mailbox::TakeSend(Driver& driver, Slot& slot, SendId ticket) {
  if (slot.aborted != 0) {
    NeverLeft(ticket, slot.aborted);
    return true;
  }
  auto sent = driver.Send(slot.stream, slot.message, slot.options);
  if (const SendId* id = std::get_if<SendId>(&sent)) {
    ticket_of_[*id] = ticket;
    core_id_of_[ticket] = *id;
    return true;
  }
  if (std::get<SendRefusal>(sent) == SendRefusal::kQueueFull) return false;
  NeverLeft(ticket, kAbortQueueCleared);
  return true;
}

void Mailbox::NeverLeft(SendId ticket, uint16_t reason) {
  SendDoneAction done;
  done.id = ticket;
  done.outcome = SendOutcome::kAborted;
  done.reason = reason;
  application_.OnSendDone(done);
}

void Mailbox::Release(Slot& slot) {
  bytes_.fetch_sub(slot.message.size(), std::memory_order_relaxed);
  slot.message.clear();
  if (slot.message.capacity() > kMailboxKeptBytes) Bytes().swap(slot.message);
}

void Mailbox::Abort(Driver& driver, SendId ticket, uint16_t reason) {
  uint64_t head = head_.load(std::memory_order_relaxed);
  if (ticket > head && ticket <= tail_.load(std::memory_order_acquire)) {
    slots_[(ticket - 1) & kMask].aborted = reason;
    return;
  }
  auto found = core_id_of_.find(ticket);
  if (found != core_id_of_.end()) driver.Abort(found->second, reason);
}

SendId Mailbox::Ended(SendId core_id) {
  auto found = ticket_of_.find(core_id);
  if (found == ticket_of_.end()) return 0;
  SendId ticket = found->second;
  ticket_of_.erase(found);
  core_id_of_.erase(ticket);
  return ticket;
}

void Mailbox::TakeLeftCalls(Driver& driver) { TakeCalls(driver); }

}  // namespace strata::multicast
