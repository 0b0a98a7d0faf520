#include "tests/simulation/event_queue.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

void EventQueue::At(Timestamp when, std::function<void()> what) {
  size_t place = what_.size();
  if (free_.empty()) {
    what_.push_back(std::move(what));
  } else {
    place = free_.back();
    free_.pop_back();
    what_[place] = std::move(what);
  }
  heap_.push_back({std::max(when, now_), next_order_++, place});
  std::push_heap(heap_.begin(), heap_.end(), Later());
}

bool EventQueue::RunOne(Timestamp limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), Later());
  const Event event = heap_.back();
  heap_.pop_back();
  const std::function<void()> what = std::exchange(what_[event.place], {});
  free_.push_back(event.place);
  now_ = event.when;
  ++events_run_;
  what();
  return true;
}

}  // namespace strata::simulation
