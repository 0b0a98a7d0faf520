#include "tests/simulation/event_queue.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

void EventQueue::At(Timestamp when, std::function<void()> what) {
  heap_.push_back({std::max(when, now_), next_order_++, std::move(what)});
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

bool EventQueue::RunOne(Timestamp limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  now_ = event.when;
  ++events_run_;
  event.what();
  return true;
}

}  // namespace strata::simulation
