#include "service_manager/frontend/listener.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/sockaddr.h"
#include "multicast/driver/private_network.h"

namespace strata::manager::frontend {
namespace {

constexpr int kPatienceMs = 20'000;
constexpr int kMomentMs = 200;

// Begins to connect.
UniqueFd Knock(const Endpoint& endpoint) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const SocketAddress to = ToSocketAddress(endpoint);
  (void)::connect(fd.get(), to.get(), to.size);
  return fd;
}

bool IsConnected(const UniqueFd& fd, int wait_ms) {
  pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&wait, 1, wait_ms) != 1) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// In a network of its own, where this process may have filters.
class ListenerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { private_ = multicast::EnterPrivateNetwork(); }
  void SetUp() override {
    if (!private_) GTEST_SKIP() << "no private network here";
  }

 private:
  static bool private_;
};

bool ListenerTest::private_ = false;

TEST_F(ListenerTest, ADeafOneLetsNobodyInUntilItHearsAgain) {
  const auto listener = Listener::Open(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok());
  const auto same = listener->Duplicate();
  ASSERT_TRUE(same.ok());
  ASSERT_EQ(SetListenerDeaf(same->get(), true), Ok());
  const UniqueFd client = Knock(listener->endpoint());
  EXPECT_FALSE(IsConnected(client, kMomentMs));
  ASSERT_EQ(SetListenerDeaf(same->get(), false), Ok());
  EXPECT_TRUE(IsConnected(client, kPatienceMs)) << "by its second try";
}

TEST_F(ListenerTest, OneThatHearsMayBeToldToHear) {
  const auto listener = Listener::Open(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok());
  const auto same = listener->Duplicate();
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(SetListenerDeaf(same->get(), false), Ok());
}

TEST_F(ListenerTest, WhoIsInStaysIn) {
  const auto listener = Listener::Open(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok());
  const UniqueFd client = Knock(listener->endpoint());
  ASSERT_TRUE(IsConnected(client, kPatienceMs));
  const auto same = listener->Duplicate();
  ASSERT_TRUE(same.ok());
  ASSERT_EQ(SetListenerDeaf(same->get(), true), Ok());
  const UniqueFd taken(::accept(same->get(), nullptr, nullptr));
  ASSERT_TRUE(taken.valid());
  ASSERT_EQ(::send(client.get(), "hi", 2, 0), 2);
  char text[2];
  EXPECT_EQ(::recv(taken.get(), text, sizeof(text), MSG_WAITALL), 2);
}

TEST_F(ListenerTest, ListensOnAnAddressThatFloatsBesideAllOthers) {
  const auto all = Listener::Open(*Endpoint::Parse("0.0.0.0:0"));
  ASSERT_TRUE(all.ok());
  Endpoint floating = *Endpoint::Parse("192.0.2.10:80");
  floating.port = all->endpoint().port;
  EXPECT_FALSE(Listener::Open(floating).ok());
  EXPECT_TRUE(Listener::Open(floating, Listener::Address::kFloating).ok());
}

}  // namespace
}  // namespace strata::manager::frontend
