#include "multicast/driver/waiter.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "multicast/driver/clock.h"

namespace strata::multicast {
namespace {

enum Source : uint32_t {
  kDataSource,
  kAcksSource,
  kUnicastSource,
  kLinkSource,
  kWakeSource,
  kTimerSource
};
constexpr int kSources = 6;

Status Watch(int epoll, int fd, Source source, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0) return Ok();
  return Unavailable("epoll: %s", strerror(errno));
}

}  // namespace

StatusOr<std::unique_ptr<Waiter>> Waiter::Create(const SocketSet& sockets,
                                                 DriverCounters& counters) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!epoll.valid() || !wake.valid() || !timer.valid()) {
    return Unavailable("epoll, eventfd or timerfd: %s", strerror(errno));
  }
  int e = epoll.get();
  STRATA_RETURN_IF_ERROR(Watch(e, sockets.fd(Channel::kData), kDataSource, EPOLLIN));
  STRATA_RETURN_IF_ERROR(Watch(e, sockets.fd(Channel::kAcks), kAcksSource, EPOLLIN));
  STRATA_RETURN_IF_ERROR(Watch(e, sockets.fd(Channel::kUnicast), kUnicastSource, EPOLLIN));
  if (sockets.link_fd() >= 0) {
    STRATA_RETURN_IF_ERROR(Watch(e, sockets.link_fd(), kLinkSource, EPOLLIN));
  }
  // By edge: each write is told once, and nobody has to read it.
  STRATA_RETURN_IF_ERROR(Watch(e, wake.get(), kWakeSource, EPOLLIN | EPOLLET));
  STRATA_RETURN_IF_ERROR(Watch(e, timer.get(), kTimerSource, EPOLLIN | EPOLLET));
  return std::unique_ptr<Waiter>(new Waiter(std::move(epoll), std::move(wake), std::move(timer),
                                            sockets.fd(Channel::kAcks), counters));
}

Waiter::Waiter(UniqueFd epoll, UniqueFd wake, UniqueFd timer, int acks_fd, DriverCounters& counters)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      timer_(std::move(timer)),
      acks_fd_(acks_fd),
      counters_(counters) {}

Waiter::Ready Waiter::Wait(Duration time, bool acks) {
  WatchAcks(acks);
  counters_.Add(DriverCounter::kWaits);
  Ready ready;
  Look(time, ready);
  return ready;
}

bool Waiter::Spin(Duration time, bool acks, Ready& ready) {
  WatchAcks(acks);
  counters_.Add(DriverCounter::kSpins);
  const Timestamp until = Now() + time;
  do {
    if (Look(Duration::zero(), ready) > 0) return true;
    sched_yield();
  } while (Now() < until);
  return false;
}

int Waiter::Look(Duration time, Ready& ready) {
  std::array<epoll_event, kSources> events;
  const int n = WaitForEvents(events.data(), kSources, time);
  for (int i = 0; i < n; ++i) {
    switch (events[static_cast<size_t>(i)].data.u32) {
      case kDataSource:
        ready.data = true;
        break;
      case kAcksSource:
        ready.acks = true;
        break;
      case kUnicastSource:
        ready.unicast = true;
        break;
      case kLinkSource:
        ready.link = true;
        break;
      case kTimerSource:
        armed_ = Timestamp::Never();  // It has fired.
        break;
      default:
        break;
    }
  }
  return n;
}

int Waiter::WaitForEvents(epoll_event* events, int room, Duration time) {
  bool forever = time == Duration::max();
  timespec timeout = ToTimespec(time);
  if (nanoseconds_) {
    int n = epoll_pwait2(epoll_.get(), events, room, forever ? nullptr : &timeout, nullptr);
    if (n >= 0 || errno != ENOSYS) return n;
    nanoseconds_ = false;
  }
  pollfd wait = {.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  if (ppoll(&wait, 1, forever ? nullptr : &timeout, nullptr) <= 0) return 0;
  return epoll_wait(epoll_.get(), events, room, 0);
}

void Waiter::WatchAcks(bool on) {
  if (on == acks_watched_) return;
  acks_watched_ = on;
  epoll_event event{};
  event.events = on ? static_cast<uint32_t>(EPOLLIN) : 0;
  event.data.u32 = kAcksSource;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, acks_fd_, &event);
}

void Waiter::Wake() {
  uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof(one));
}

int Waiter::fd() {
  outer_loop_ = true;
  return epoll_.get();
}

void Waiter::SetDeadline(Timestamp deadline, bool acks) {
  if (!outer_loop_) return;
  WatchAcks(acks);
  if (deadline == armed_) return;
  armed_ = deadline;
  itimerspec when{};
  if (deadline != Timestamp::Never()) {
    when.it_value = ToTimespec(Duration(std::max<int64_t>(deadline.nanos(), 1)));
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace strata::multicast
