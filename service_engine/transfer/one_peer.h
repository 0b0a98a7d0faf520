#pragma once

#include <sys/socket.h>

#include <string>
#include <thread>
#include <utility>

#include "common/address.h"
#include "common/testing/loopback_listener.h"
#include "common/unique_fd.h"

// For tests.
namespace strata::engine::transfer {

// A peer that gives the first who asks one answer, and keeps what it was asked.
class OnePeer {
 public:
  // `silent`: it does not close after the answer.
  explicit OnePeer(std::string answer, bool silent = false)
      : answer_(std::move(answer)), silent_(silent), thread_([this] { Serve(); }) {}
  ~OnePeer() {
    listener_.End();
    thread_.join();
  }
  const Endpoint& endpoint() const { return listener_.endpoint(); }
  // When the fetch is over.
  const std::string& asked() const { return asked_; }

 private:
  void Serve() {
    const UniqueFd client = listener_.Accept();
    if (!client.valid()) return;
    char buffer[4096];
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = recv(client.get(), buffer, sizeof(buffer), 0);
      if (n <= 0) return;
      asked_.append(buffer, static_cast<size_t>(n));
    }
    send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    // Until the other side goes.
    while (silent_ && recv(client.get(), buffer, sizeof(buffer), 0) > 0) {
    }
  }

  const std::string answer_;
  const bool silent_;
  LoopbackListener listener_;
  std::string asked_;
  std::thread thread_;  // Begins when all else is there.
};

}  // namespace strata::engine::transfer
