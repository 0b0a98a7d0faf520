#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "common/address.h"
#include "common/unique_fd.h"

// For tests.
namespace strata::engine::transfer {

// A peer that gives the first who asks one answer, and keeps what it was asked.
class OnePeer {
 public:
  // `silent`: it does not close after the answer.
  explicit OnePeer(std::string answer, bool silent = false)
      : answer_(std::move(answer)),
        silent_(silent),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~OnePeer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Endpoint endpoint() const { return {IpAddress::V4(127, 0, 0, 1), port_}; }
  // When the fetch is over.
  const std::string& asked() const { return asked_; }

 private:
  void Serve() {
    const UniqueFd client(accept(listener_.get(), nullptr, nullptr));
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
  UniqueFd listener_;
  uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

}  // namespace strata::engine::transfer
