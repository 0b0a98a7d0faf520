#pragma once

#include <functional>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::manager::link {

// Looks after long streams from a thread of its own, as threads that wait for a stream cannot: ends
// those whose other end is silent, and those whose other end is not to be believed any more.
class StreamWatch {
 public:
  // Ends a stream, without waiting.
  using Cancel = std::function<void()>;
  // Whether the other end is still who it was; asked again and again. Does not wait.
  using StillGood = std::function<Status()>;

  // `silence_max`: as long one end may wait to hear the other.
  explicit StreamWatch(Duration silence_max);
  ~StreamWatch();  // After its streams.

  // One stream, from here to the end of this object. Any thread.
  class Stream {
   public:
    Stream(StreamWatch& watch, Cancel cancel);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // From now on the certificate is looked at, too.
    void Believe(StillGood still_good);
    // Around each read: what this end does in between is not the other's silence.
    void Waits();
    void Heard();
    // Cancels it; the first reason stays.
    void End(const Status& why);
    // Why this end has ended it; ok: it has not.
    Status ended() const;

   private:
    friend class StreamWatch;

    StreamWatch& watch_;
    const Cancel cancel_;
    // Under the watch's lock:
    StillGood still_good_;
    bool waits_ = true;
    Timestamp waits_since_;
    Status ended_;
  };

 private:
  void Loop();
  void Look(Stream& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void EndNow(Stream& stream, const Status& why);

  const Duration silence_max_;
  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata::manager::link
