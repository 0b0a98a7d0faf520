#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/time.h"
#include "proto/locate.grpc.pb.h"

namespace strata::bench {

// Measures how long it takes until a manager knows a new content: takes one of those that are
// offered, asks for it by Location.Trace until there is a copy, then takes the next one that is
// offered after a pause. Over one connection, one question at a time, at most a millisecond from
// one to the next. Any thread.
class LocationWatch {
 public:
  // MANAGER: HOST:PORT. CERTIFICATES: a folder as `strata pki issue` writes it, of an operator.
  static StatusOr<std::unique_ptr<LocationWatch>> Start(const std::string& manager,
                                                        const std::string& certificates);
  ~LocationWatch();
  LocationWatch(const LocationWatch&) = delete;
  LocationWatch& operator=(const LocationWatch&) = delete;

  // This content comes now, at that time. Does not wait.
  void Offer(const std::string& uri, Timestamp when);
  // Forgets what it has measured.
  void Clear();
  // What each content that it watched took, from its time to the answer that had a copy.
  // Unavailable if the manager did not answer, DeadlineExceeded if it did not come to know one.
  StatusOr<std::vector<Duration>> Stop();

 private:
  struct Watched {
    std::string uri;
    Timestamp when;
  };

  explicit LocationWatch(std::unique_ptr<manager::locate::v1::Location::Stub> stub);

  void Loop();
  std::optional<Watched> Await();
  StatusOr<Duration> AskUntilThere(const Watched& watched);
  StatusOr<bool> Ask(const std::string& uri);

  const std::unique_ptr<manager::locate::v1::Location::Stub> stub_;
  absl::Mutex mutex_;
  bool wants_ ABSL_GUARDED_BY(mutex_) = false;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Watched> offered_ ABSL_GUARDED_BY(mutex_);
  std::vector<Duration> took_ ABSL_GUARDED_BY(mutex_);
  Status failure_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata::bench
