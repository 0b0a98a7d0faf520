#pragma once

#include <functional>
#include <memory>

#include "common/random.h"
#include "common/time.h"
#include "tests/simulation/event_queue.h"

namespace strata::simulation::federation {

// A stream between a child and its parent, as TCP gives it: in each direction what is sent arrives
// in order, after a delay that varies, up to some point at which it is cut. Different streams, and
// the two directions of one, overtake each other.
//
// Whoever sends or waits holds it by a shared pointer.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class Direction { kUp, kDown };

  Stream(EventQueue& queue, RandomSource& random, Duration delay_max)
      : queue_(queue), random_(random), delay_max_(delay_max) {}

  // `arrive` is called then, unless the stream was cut before.
  void Send(Direction direction, std::function<void()> arrive);
  // What is under way arrives up to a moment that differs by direction, nothing afterwards. Each
  // end hears of it within `notice_max`, by the function that it gave.
  void Cut(Duration notice_max);
  // Stands still for a while.
  void Stall(Duration time);
  // At once, by the end that calls: it is not told.
  void Close(Direction my_sends, Duration notice_max);

  // What the end that sends in this direction wants to hear: that the stream was cut.
  void OnCut(Direction my_sends, std::function<void()> tell) {
    pipe(my_sends).sender_told = std::move(tell);
  }
  bool cut() const { return cut_; }

 private:
  struct Pipe {
    Timestamp last_arrival;
    Timestamp ends = Timestamp::Never();
    std::function<void()> sender_told;
  };
  Pipe& pipe(Direction direction) { return direction == Direction::kUp ? up_ : down_; }
  void Tell(Direction direction, Duration after);

  EventQueue& queue_;
  RandomSource& random_;
  Duration delay_max_;
  Pipe up_;
  Pipe down_;
  bool cut_ = false;
};

}  // namespace strata::simulation::federation
