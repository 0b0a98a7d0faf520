#include "cli/doctor/processes.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/doctor/as_user.h"
#include "common/sockaddr.h"
#include "common/unique_fd.h"

namespace strata::cli::doctor {
namespace {

TEST(ProcessesTest, ReadsWhoListens) {
  const auto listeners = ParseListeners(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 "
      "4712 1 0000000000000000 100 0 0 10 0\n"
      "   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n"
      "   3: nonsense\n");
  ASSERT_EQ(listeners.size(), 2u);
  EXPECT_EQ(ToString(listeners[0].endpoint), "127.0.0.1:8080");
  EXPECT_EQ(listeners[0].inode, 4711u);
  EXPECT_EQ(ToString(listeners[1].endpoint), "[::1]:80");
}

TEST(ProcessesTest, FindsTheHolderOfAPort) {
  const UniqueFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address = ToSocketAddress(*Endpoint::Parse("[::1]:0"));
  ASSERT_EQ(bind(fd.get(), address.get(), address.size), 0);
  ASSERT_EQ(listen(fd.get(), 1), 0);
  ASSERT_EQ(getsockname(fd.get(), address.get(), &address.size), 0);
  const auto holder = HolderOf(*ToEndpoint(address));
  ASSERT_TRUE(holder.has_value());
  EXPECT_EQ(*holder, getpid());
  EXPECT_NE(Describe(*holder).find("(pid " + std::to_string(getpid()) + ")"), std::string::npos);
}

TEST(ProcessesTest, FindsTheHolderOfAMappedAddress) {
  const UniqueFd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address = ToSocketAddress(*Endpoint::Parse("[::ffff:127.0.0.1]:0"));
  ASSERT_EQ(bind(fd.get(), address.get(), address.size), 0);
  ASSERT_EQ(listen(fd.get(), 1), 0);
  ASSERT_EQ(getsockname(fd.get(), address.get(), &address.size), 0);
  const uint16_t port = ToEndpoint(address)->port;
  EXPECT_EQ(HolderOf({.ip = IpAddress::V4(127, 0, 0, 1), .port = port}), getpid());
}

TEST(ProcessesTest, KnowsAncestors) {
  EXPECT_TRUE(IsBelow(getpid(), getpid()));
  EXPECT_TRUE(IsBelow(getpid(), getppid()));
  EXPECT_FALSE(IsBelow(getppid(), getpid()));
  EXPECT_FALSE(FindService("/nowhere.yaml").has_value());
}

TEST(ProcessesTest, ReadsLimits) {
  const std::string limits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            1024                 1048576              files     \n"
      "Max processes             unlimited            unlimited            processes \n";
  EXPECT_EQ(ParseLimit(limits, "Max open files"), 1024u);
  EXPECT_EQ(ParseLimit(limits, "Max processes"), std::nullopt);
  EXPECT_EQ(ParseLimit(limits, "Max of nothing"), std::nullopt);
}

TEST(ProcessesTest, LooksAsAnotherUser) {
  EXPECT_EQ(MayRead("/proc/self/status"), 0);
  EXPECT_NE(MayRead("/no/such/file"), 0);
  if (geteuid() != 0) GTEST_SKIP() << "takes root";
  std::string folder = testing::TempDir() + "/as-user-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  EXPECT_EQ(MayWrite(folder), 0);
  {
    const AsUser as("nobody");
    if (!as.changed()) GTEST_SKIP() << "takes root of the machine";
    EXPECT_EQ(MayRead(folder), EACCES);
    EXPECT_EQ(MayWrite(folder), EACCES);
    EXPECT_EQ(MayRead("/etc/passwd"), 0);
  }
  EXPECT_EQ(MayWrite(folder), 0);
}

}  // namespace
}  // namespace strata::cli::doctor
