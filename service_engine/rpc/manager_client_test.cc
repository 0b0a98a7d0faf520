#include "service_engine/rpc/manager_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/tls/test_authority.h"

namespace strata::engine::rpc {
namespace {

using std::chrono::steady_clock;

constexpr int kPatienceMs = 20'000;

// A port where somebody listens who never says a word.
class SilentServer {
 public:
  SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  ~SilentServer() { close(fd_); }

  const std::string& address() const { return address_; }
  // Until somebody has connected.
  bool AwaitClient() const {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    return poll(&wait, 1, kPatienceMs) == 1;
  }

 private:
  int fd_;
  std::string address_;
};

TEST(ManagerClientTest, ASilentManagerDoesNotKeepAProcessThatEnds) {
  tls::TestAuthority authority(getenv("TEST_TMPDIR"));
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const SilentServer server;
  ManagerClient client({server.address()}, *store);
  std::atomic<bool> ended = false;
  std::thread caller([&] {
    EXPECT_FALSE(client.Register({}, Bytes(16, 1)).ok());
    ended = true;
  });
  ASSERT_TRUE(server.AwaitClient());
  const auto begun = steady_clock::now();
  client.Stop();
  caller.join();
  EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(3));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(client.Renew(Bytes(16, 1), 1).ok());
}

TEST(ManagerClientTest, KnowsWhatIsFinal) {
  EXPECT_TRUE(IsRefusal(PermissionDenied("revoked")));
  EXPECT_TRUE(IsRefusal(FailedPrecondition("too old")));
  EXPECT_FALSE(IsRefusal(Unavailable("nobody there")));
  EXPECT_FALSE(IsRefusal(AlreadyExists("alive")));
}

}  // namespace
}  // namespace strata::engine::rpc
