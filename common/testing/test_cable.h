#pragma once

#include <cstdint>
#include <list>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/testing/loopback_listener.h"
#include "common/unique_fd.h"

namespace strata {

// A way to a TCP server that can be cut as a cable is: passes connections on from a free port of
// the loopback interface. Has a thread of its own.
class TestCable {
 public:
  explicit TestCable(const Endpoint& server);
  ~TestCable();
  TestCable(const TestCable&) = delete;
  TestCable& operator=(const TestCable&) = delete;

  const Endpoint& endpoint() const { return listener_.endpoint(); }

  // From now on nothing passes, and nobody is told; who connects waits.
  void Cut();
  // What waits passes.
  void Mend();
  // Closes the connections that there are.
  void Break();

 private:
  struct Connection {
    UniqueFd client, server;
  };
  enum class Order : uint8_t { kPass, kHold, kEnd };

  void Tell(Order order);
  void Loop();
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Endpoint server_;
  const LoopbackListener listener_;
  UniqueFd wake_;  // An eventfd.

  absl::Mutex mutex_;
  Order order_ ABSL_GUARDED_BY(mutex_) = Order::kPass;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata
