#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "common/bytes.h"
#include "common/random.h"
#include "common/time.h"
#include "tests/simulation/event_queue.h"

namespace strata::simulation {

// A member's disk for the core's durable state: writes take time and finish in order. At a crash
// of the process each write that was not confirmed may have happened or not, but a later one only
// after an earlier one.
class Disk {
 public:
  Disk(EventQueue& queue, RandomSource& random, Duration delay_max)
      : queue_(queue), random_(random), delay_max_(delay_max) {}

  // `done` is called when the state is on the disk, unless the process crashes before.
  void Write(Bytes state, std::function<void()> done);
  void Crash();
  void Lose() { contents_.clear(); }

  const Bytes& contents() const { return contents_; }

 private:
  struct Pending {
    Bytes state;
    std::function<void()> done;
  };
  void Finish(uint64_t crashes);

  EventQueue& queue_;
  RandomSource& random_;
  Duration delay_max_;
  Bytes contents_;
  std::deque<Pending> pending_;
  Timestamp last_end_ = Timestamp::FromNanos(0);
  uint64_t crashes_ = 0;
};

}  // namespace strata::simulation
