#include "common/testing/test_cable.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/sockaddr.h"

namespace strata {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

// Whether the way goes on. Waits for who does not take it: both ends are of one test.
bool Pass(int from, int to) {
  std::array<char, kPieceBytes> piece;
  const ssize_t got = recv(from, piece.data(), piece.size(), 0);
  if (got <= 0) return false;
  for (ssize_t at = 0; at < got;) {
    const ssize_t put = send(to, piece.data() + at, static_cast<size_t>(got - at), MSG_NOSIGNAL);
    if (put <= 0) return false;
    at += put;
  }
  return true;
}

}  // namespace

TestCable::TestCable(const Endpoint& server)
    : server_(server), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  STRATA_CHECK(wake_.valid());
  thread_ = std::thread([this] { Loop(); });
}

TestCable::~TestCable() {
  Tell(Order::kEnd);
  thread_.join();
}

void TestCable::Cut() { Tell(Order::kHold); }
void TestCable::Mend() { Tell(Order::kPass); }

void TestCable::Break() {
  absl::MutexLock lock(&mutex_);
  connections_.clear();
  eventfd_write(wake_.get(), 1);
}

void TestCable::Tell(Order order) {
  absl::MutexLock lock(&mutex_);
  order_ = order;
  eventfd_write(wake_.get(), 1);
}

void TestCable::Loop() {
  while (true) {
    std::vector<pollfd> waits = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    {
      absl::MutexLock lock(&mutex_);
      if (order_ == Order::kEnd) return;
      if (order_ == Order::kPass) {
        waits.push_back({.fd = listener_.fd(), .events = POLLIN, .revents = 0});
        for (const Connection& connection : connections_) {
          waits.push_back({.fd = connection.client.get(), .events = POLLIN, .revents = 0});
          waits.push_back({.fd = connection.server.get(), .events = POLLIN, .revents = 0});
        }
      }
    }
    STRATA_CHECK(poll(waits.data(), waits.size(), -1) > 0);
    absl::MutexLock lock(&mutex_);
    if (waits[0].revents != 0) {  // What to wait for is another question now.
      eventfd_t count = 0;
      eventfd_read(wake_.get(), &count);
      continue;
    }
    size_t at = 2;
    std::erase_if(connections_, [&](const Connection& connection) {
      const bool client_talks = waits[at].revents != 0;
      const bool server_talks = waits[at + 1].revents != 0;
      at += 2;
      return (client_talks && !Pass(connection.client.get(), connection.server.get())) ||
             (server_talks && !Pass(connection.server.get(), connection.client.get()));
    });
    if (waits[1].revents != 0) Accept();
  }
}

void TestCable::Accept() {
  Connection connection;
  connection.client = listener_.Accept();
  connection.server =
      UniqueFd(socket(server_.ip.IsV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress to = ToSocketAddress(server_);
  if (connect(connection.server.get(), to.get(), to.size) != 0) return;  // Nobody is there.
  connections_.push_back(std::move(connection));
}

}  // namespace strata
