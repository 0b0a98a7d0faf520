#include "common/sockaddr.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace strata {
namespace {

TEST(SocketAddressTest, ComesBackAsTheEndpointItWasMadeOf) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:443", "[fe80::1%7]:9"}) {
    const Endpoint endpoint = Endpoint::Parse(text).value();
    const std::optional<Endpoint> back = ToEndpoint(ToSocketAddress(endpoint));
    ASSERT_TRUE(back.has_value()) << text;
    EXPECT_EQ(ToString(*back), text);
  }
}

TEST(SocketAddressTest, IsWhatTheKernelBindsAndReports) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(fd, 0);
  const SocketAddress wanted = ToSocketAddress(Endpoint::Parse("127.0.0.1:0").value());
  ASSERT_EQ(bind(fd, wanted.get(), wanted.size), 0) << std::strerror(errno);
  SocketAddress bound;
  ASSERT_EQ(getsockname(fd, bound.get(), &bound.size), 0);
  close(fd);
  const std::optional<Endpoint> endpoint = ToEndpoint(bound);
  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(ToString(endpoint->ip), "127.0.0.1");
  EXPECT_NE(endpoint->port, 0);
}

TEST(SocketAddressTest, IsNoEndpointWhenCutShortOrOfAnotherFamily) {
  const SocketAddress v4 = ToSocketAddress(Endpoint::Parse("192.0.2.1:80").value());
  const SocketAddress v6 = ToSocketAddress(Endpoint::Parse("[::1]:80").value());
  EXPECT_FALSE(ToEndpoint(v4.get(), sizeof(sockaddr_in) - 1).has_value());
  EXPECT_FALSE(ToEndpoint(v6.get(), sizeof(sockaddr_in6) - 1).has_value());
  EXPECT_FALSE(ToEndpoint(v4.get(), 0).has_value());
  SocketAddress unix_socket;
  unix_socket.storage.ss_family = AF_UNIX;
  EXPECT_FALSE(ToEndpoint(unix_socket).has_value());
}

}  // namespace
}  // namespace strata
