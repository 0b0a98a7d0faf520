#include "tests/simulation/disk.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

void Disk::Write(Bytes state, std::function<void()> done) {
  pending_.push_back({std::move(state), std::move(done)});
  Timestamp end = queue_.now() + random_.Between(delay_max_ / 20, delay_max_);
  last_end_ = std::max(last_end_, end);
  queue_.At(last_end_, [this, crashes = crashes_] { Finish(crashes); });
}

void Disk::Finish(uint64_t crashes) {
  if (crashes != crashes_) return;
  Pending write = std::move(pending_.front());
  pending_.pop_front();
  contents_ = std::move(write.state);
  write.done();
}

void Disk::Crash() {
  ++crashes_;
  uint64_t written = random_.Below(pending_.size() + 1);
  if (written > 0) contents_ = std::move(pending_[written - 1].state);
  pending_.clear();
}

}  // namespace strata::simulation
