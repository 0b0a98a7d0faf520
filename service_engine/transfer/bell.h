#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace strata::engine::transfer {

// How operations end here: with an error code first, never by an exception.
inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

using SteadyTime = std::chrono::steady_clock::time_point;

// Wakes one coroutine, from any thread. The coroutine runs on the executor given, a strand, and is
// the only one to wait. A ring while it does not wait makes the next wait short.
class Bell : public std::enable_shared_from_this<Bell> {
 public:
  explicit Bell(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  void Ring() {
    if (rung_.exchange(true)) return;
    boost::asio::post(timer_.get_executor(),
                      [self = shared_from_this()] { self->timer_.cancel(); });
  }
  // Runs on the executor, soon: to break off what the coroutine is waiting for elsewhere.
  void Interrupt(std::function<void()> action) {
    boost::asio::post(timer_.get_executor(), std::move(action));
  }

  // Until somebody rings, at most until `deadline`.
  boost::asio::awaitable<void> Wait(SteadyTime deadline) {
    timer_.expires_at(deadline);
    if (!rung_.exchange(false)) {
      co_await timer_.async_wait(kAwait);
      rung_.store(false);
    }
  }

 private:
  boost::asio::steady_timer timer_;
  std::atomic<bool> rung_ = false;
};

}  // namespace strata::engine::transfer
