#include "service_manager/link/stream_watch.h"

#include <utility>

#include "absl/time/time.h"
#include "multicast/driver/clock.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

using multicast::Now;

}  // namespace

StreamWatch::StreamWatch(Duration silence_max)
    : silence_max_(silence_max), thread_([this] { Loop(); }) {}

StreamWatch::~StreamWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

void StreamWatch::Loop() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(kLookEvery))) {
    for (Stream* stream : streams_) Look(*stream);
  }
}

void StreamWatch::Look(Stream& stream) {
  if (!stream.ended_.ok()) return;
  if (stream.still_good_ != nullptr) {
    const Status good = stream.still_good_();
    if (!good.ok()) return EndNow(stream, good);
  }
  if (stream.waits_ && Now() - stream.waits_since_ > silence_max_) {
    EndNow(stream, DeadlineExceeded("nothing was heard for %.1f s", Seconds(silence_max_)));
  }
}

void StreamWatch::EndNow(Stream& stream, const Status& why) {
  if (!stream.ended_.ok()) return;
  stream.ended_ = why;
  stream.cancel_();
}

StreamWatch::Stream::Stream(StreamWatch& watch, Cancel cancel)
    : watch_(watch), cancel_(std::move(cancel)), waits_since_(Now()) {
  absl::MutexLock lock(&watch_.mutex_);
  watch_.streams_.push_back(this);
}

StreamWatch::Stream::~Stream() {
  absl::MutexLock lock(&watch_.mutex_);
  watch_.streams_.remove(this);
}

void StreamWatch::Stream::Believe(StillGood still_good) {
  absl::MutexLock lock(&watch_.mutex_);
  still_good_ = std::move(still_good);
}

void StreamWatch::Stream::Waits() {
  absl::MutexLock lock(&watch_.mutex_);
  waits_ = true;
  waits_since_ = Now();
}

void StreamWatch::Stream::Heard() {
  absl::MutexLock lock(&watch_.mutex_);
  waits_ = false;
}

void StreamWatch::Stream::End(const Status& why) {
  absl::MutexLock lock(&watch_.mutex_);
  EndNow(*this, why);
}

Status StreamWatch::Stream::ended() const {
  absl::MutexLock lock(&watch_.mutex_);
  return ended_;
}

}  // namespace strata::manager::link
