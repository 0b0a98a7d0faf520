#pragma once

#include <cstdint>
#include <memory>

#include "common/status.h"
#include "common/time.h"
#include "common/unique_fd.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/socket_set.h"

struct epoll_event;

namespace strata::multicast {

// Waits for a member's sockets, for a wake-up by another thread and for a deadline, with the
// clock's own resolution. Wake may be called by any thread, the rest by the driver's.
class Waiter {
 public:
  struct Ready {
    bool data = false;
    bool acks = false;
    bool unicast = false;
    bool link = false;
  };

  static StatusOr<std::unique_ptr<Waiter>> Create(const SocketSet& sockets,
                                                  DriverCounters& counters);
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // At most `time`; Duration::max() is as long as it takes. The ack socket ends the wait only if
  // `acks`.
  Ready Wait(Duration time, bool acks);
  // As Wait, but looks again and again and lets others run in between, instead of sleeping: who is
  // woken soon anyway saves both sides the wake-up. True: something is ready or has woken it.
  bool Spin(Duration time, bool acks, Ready& ready);
  // Ends the wait of now, or the next one.
  void Wake();

  // For an outer loop: readable whenever a Wait would end before its time, and once the deadline
  // given last has passed. The first call switches that on: it costs a system call when the
  // deadline comes nearer.
  int fd();
  void SetDeadline(Timestamp deadline, bool acks);

  bool acks_watched() const { return acks_watched_; }

 private:
  Waiter(UniqueFd epoll, UniqueFd wake, UniqueFd timer, int acks_fd, DriverCounters& counters);

  int Look(Duration time, Ready& ready);
  int WaitForEvents(epoll_event* events, int room, Duration time);
  void WatchAcks(bool on);

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  const int acks_fd_;
  DriverCounters& counters_;
  bool acks_watched_ = true;
  bool nanoseconds_ = true;  // The kernel has epoll_pwait2.
  bool outer_loop_ = false;
  Timestamp armed_ = Timestamp::Never();
};

}  // namespace strata::multicast
