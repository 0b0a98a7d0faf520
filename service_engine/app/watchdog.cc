#include "service_engine/app/watchdog.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <chrono>
#include <utility>

#include "common/check.h"

namespace strata::engine::app {
namespace {

constexpr int kLooksInLimit = 10;

timespec Spec(Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  return {.tv_sec = seconds.count(),
          .tv_nsec = std::chrono::nanoseconds(duration - seconds).count()};
}

}  // namespace

StatusOr<std::unique_ptr<Watchdog>> Watchdog::Start(Duration limit, std::function<bool()> well) {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer{};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
    return ResourceExhausted("no timer for the watchdog: %s", strerror(errno));
  }
  return std::unique_ptr<Watchdog>(new Watchdog(timer, limit, std::move(well)));
}

Watchdog::Watchdog(timer_t timer, Duration limit, std::function<bool()> well)
    : timer_(timer), limit_(limit), well_(std::move(well)) {
  PutOff();
  thread_ = std::thread([this] { Run(); });
}

Watchdog::~Watchdog() {
  stop_ = true;
  thread_.join();
  timer_delete(timer_);
}

void Watchdog::PutOff() const {
  const itimerspec in{.it_interval = {}, .it_value = Spec(limit_)};
  STRATA_CHECK(timer_settime(timer_, 0, &in, nullptr) == 0);
}

void Watchdog::Run() const {
  while (!stop_) {
    if (well_()) PutOff();
    std::this_thread::sleep_for(limit_ / kLooksInLimit);
  }
}

}  // namespace strata::engine::app
