#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/time.h"

namespace strata::simulation {

// Virtual time: what shall happen when. Of two events at one instant the one that was scheduled
// first happens first, so that a seed always tells the same story. One thread.
class EventQueue {
 public:
  Timestamp now() const { return now_; }

  // An instant in the past means now.
  void At(Timestamp when, std::function<void()> what);
  void After(Duration delay, std::function<void()> what) { At(now_ + delay, std::move(what)); }

  // Runs the next event unless it is later than `limit`; then time moves to `limit`, and the answer
  // is false.
  bool RunOne(Timestamp limit);

  size_t size() const { return heap_.size(); }
  uint64_t events_run() const { return events_run_; }

 private:
  // Small: they are moved about far more often than events happen.
  struct Event {
    Timestamp when;
    uint64_t order = 0;
    size_t place = 0;  // Of what happens.
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };

  Timestamp now_ = Timestamp::FromNanos(0);
  uint64_t next_order_ = 0;
  uint64_t events_run_ = 0;
  std::vector<Event> heap_;  // By Later: the earliest is at the front.
  std::vector<std::function<void()>> what_;
  std::vector<size_t> free_;  // Places of it.
};

}  // namespace strata::simulation
