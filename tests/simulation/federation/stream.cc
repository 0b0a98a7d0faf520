#include "tests/simulation/federation/stream.h"

#include <algorithm>
#include <utility>

namespace strata::simulation::federation {

void Stream::Send(Direction direction, std::function<void()> arrive) {
  if (cut_) return;
  Pipe& pipe = this->pipe(direction);
  const Timestamp at = queue_.now() + random_.Between(delay_max_ / 10, delay_max_);
  pipe.last_arrival = std::max(pipe.last_arrival, at);
  queue_.At(pipe.last_arrival, [self = shared_from_this(), &pipe, arrive = std::move(arrive)] {
    if (self->queue_.now() < pipe.ends) arrive();
  });
}

void Stream::Stall(Duration time) {
  for (Pipe* pipe : {&up_, &down_}) {
    pipe->last_arrival = std::max(pipe->last_arrival, queue_.now() + time);
  }
}

void Stream::Cut(Duration notice_max) {
  if (cut_) return;
  cut_ = true;
  for (Direction direction : {Direction::kUp, Direction::kDown}) {
    pipe(direction).ends = queue_.now() + random_.Between(Duration::zero(), delay_max_);
    Tell(direction, delay_max_ + random_.Between(Duration::zero(), notice_max));
  }
}

void Stream::Close(Direction my_sends, Duration notice_max) {
  pipe(my_sends).sender_told = {};
  Cut(notice_max);
  const Direction to_me = my_sends == Direction::kUp ? Direction::kDown : Direction::kUp;
  pipe(to_me).ends = queue_.now();
}

void Stream::Tell(Direction direction, Duration after) {
  queue_.After(after, [self = shared_from_this(), direction] {
    const auto tell = std::exchange(self->pipe(direction).sender_told, {});
    if (tell) tell();
  });
}

}  // namespace strata::simulation::federation
