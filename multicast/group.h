#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "multicast/core/counters.h"
#include "multicast/driver/application.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/driver.h"
#include "multicast/driver/options.h"
#include "multicast/driver/own_thread.h"

namespace strata::multicast {

struct GroupCounters {
  Counters core;
  DriverCounters driver;
};

// Membership of this process in one group: the public face of the library (multicast/README.md).
//
// With GroupOptions::own_thread the group runs itself: every method may be called by any thread,
// callbacks included, and the application is called on the group's thread. Methods marked (waits)
// wait for that thread: call them with no lock held that a callback takes.
//
// Without, somebody has to call Poll all the time, all methods belong to that one thread, and the
// application is called from Poll only.
class Group {
 public:
  // Opens the sockets and starts to look for the group; the view comes by OnViewChanged. The
  // application must outlive the group. Errors name what is wrong: an option, the interface, the
  // state file.
  static StatusOr<std::unique_ptr<Group>> Join(const GroupOptions& options,
                                               GroupApplication& application);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  // Stops at once, without a word to the others: they notice by their detection timeout. No
  // callback follows, sends that have not ended get no end. Not from a callback. After it only
  // the destructor may be called.
  void Leave();

  // ---- Sending.
  // Copies the message. The id comes back in OnSendDone.
  std::variant<SendId, SendRefusal> Send(StreamId stream, ByteSpan message,
                                         const SendOptions& options = {});
  // Asks for the abort of a send; OnSendDone tells what became of it. ResourceExhausted: too many
  // calls, try again. NotFound: the send has ended (an own thread tells this by nothing).
  Status Abort(SendId id, uint16_t reason = kAbortedBySender);

  // ---- Answering, after OnPrepare or OnTakeSnapshot returned nothing. Errors as of Abort.
  Status Answer(PrepareToken token, PrepareAnswer answer);
  Status ProvideSnapshot(TransferId transfer, Bytes state);

  // ---- Steering.
  // True: the application's queue is full, senders shall stop for now.
  Status PauseCredit(bool paused);
  // This manager becomes SM (waits). FailedPrecondition if it is none, or is it already.
  Status Promote();
  // Leaves the view and joins anew as a learner, since the application's state is not to be
  // believed: OnLeftView, then OnInstallSnapshot. Sends that have not ended end as unknown. Nothing
  // happens at the SM, whose state is the group's. Errors as of Abort.
  Status StartOver();
  // A person has decided that this manager leads without a majority (waits; Core::LeadAnyway).
  // FailedPrecondition if it is none, or leads already.
  Status LeadAnyway();
  // With CoreSettings::full_when_ready: the application has all that a full member needs, as of the
  // view of this number in which it saw itself. Until then this member is a learner. A learner has
  // to say it anew in a view that another member leads. Errors as of Abort.
  Status Ready(uint32_t view_number);
  // Keys of the group (waits). The errors are KeyRing's.
  Status AddKey(uint8_t id, ByteSpan key);
  Status UseKey(uint8_t id);
  Status ForgetKey(uint8_t id);

  // ---- To look at.
  GroupStatus status() const;  // The view, and this member's place in it.
  View view() const { return status().view; }
  GroupCounters counters() const;  // (waits)
  uint64_t commit_number() const;  // Applied here (waits).
  // As Core::majority_heard, as of the group's last turn: a group that does not run says nothing
  // new.
  Timestamp majority_heard() const;
  Endpoint unicast() const { return unicast_; }  // What the others reach this member by.

  // ---- Without own_thread.
  // One turn: what was sent leaves, packets are taken, the application is called. Waits at most
  // `max_wait` for something to happen.
  void Poll(Duration max_wait);
  // For poll(), epoll and the like: readable when a Poll has something to do. Call Poll(0) after
  // each batch of calls too: it is what sends.
  int fd();

 private:
  Group() = default;

  Status Run(const std::function<Status(Driver&)>& call) const;
  Status Post(std::function<bool(Driver&)> call);

  Endpoint unicast_;
  // One of these.
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<OwnThread> own_thread_;
};

}  // namespace strata::multicast
