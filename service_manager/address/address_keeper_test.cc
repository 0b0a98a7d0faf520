#include "service_manager/address/address_keeper.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>

#include "common/sockaddr.h"
#include "common/unique_fd.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/private_network.h"

// With the kernel's real addresses, on lo of a network of its own. What others on a LAN see is
// tests/integration/floating_address_test.py's business.
namespace strata::manager::address {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatience(20);

const IpAddress kV4 = IpAddress::V4(192, 0, 2, 10);
const IpAddress kV6 = *IpAddress::Parse("2001:db8::10");

bool IsHere(const IpAddress& address) {
  const UniqueFd fd(socket(address.IsV4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress to = ToSocketAddress(Endpoint{address, 0});
  return bind(fd.get(), to.get(), to.size) == 0;
}

bool AreHere() { return IsHere(kV4) && IsHere(kV6); }
bool AreGone() { return !IsHere(kV4) && !IsHere(kV6); }

bool Eventually(const std::function<bool()>& condition) {
  const Timestamp until = multicast::Now() + kPatience;
  while (!condition()) {
    if (multicast::Now() > until) return false;
    sched_yield();
  }
  return true;
}

FloatingAddressOptions Options() {
  return {.interface = "lo", .addresses = {kV4, kV6}, .lifetime = seconds(1)};
}

class AddressKeeperTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { private_ = multicast::EnterPrivateNetwork(); }
  void SetUp() override {
    if (!private_) GTEST_SKIP() << "no private network here";
  }
  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    if (private_) {
      EXPECT_TRUE(Eventually(AreGone));
    }
  }
  std::unique_ptr<AddressKeeper> Start(std::function<bool()> leads) {
    const auto claim = [leads = std::move(leads)] {
      return leads() ? Claim::kLeads : Claim::kNone;
    };
    auto keeper = AddressKeeper::Start(Options(), {.claim = claim, .on_welcome = {}}, metrics_);
    EXPECT_TRUE(keeper.ok()) << ToString(keeper.status());
    return keeper.ok() ? *std::move(keeper) : nullptr;
  }
  // Another process that holds them until it is killed.
  void StartHolder() {
    child_ = fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      MetricRegistry metrics;
      const auto keeper = AddressKeeper::Start(
          Options(), {.claim = [] { return Claim::kLeads; }, .on_welcome = {}}, metrics);
      while (keeper.ok()) pause();
      _exit(1);
    }
    ASSERT_TRUE(Eventually(AreHere));
  }
  double Metric(const std::string& name) const {
    for (const MetricSample& sample : metrics_.Samples()) {
      if (sample.name == name) return sample.value;
    }
    return -1;
  }

  static bool private_;
  MetricRegistry metrics_;
  pid_t child_ = 0;
};

bool AddressKeeperTest::private_ = false;

TEST_F(AddressKeeperTest, HoldsThemWhileItMay) {
  std::atomic<bool> may = false;
  const auto keeper = Start([&may] { return may.load(); });
  ASSERT_NE(keeper, nullptr);
  EXPECT_TRUE(AreGone());
  may = true;
  ASSERT_TRUE(Eventually(AreHere));
  // It counts when the last of them is there, and this thread may see that first.
  EXPECT_TRUE(Eventually([this] { return Metric("strata_address_takes_total") == 1; }));
  may = false;
  ASSERT_TRUE(Eventually(AreGone));
  EXPECT_EQ(Metric("strata_address_takes_total"), 1);
}

TEST_F(AddressKeeperTest, TellsTheFrontEndWhenItYields) {
  std::atomic<Claim> claim = Claim::kLeads;
  std::atomic<int> lasts = 0;
  std::atomic<int> nones = 0;
  std::atomic<bool> open = true;
  const auto on_welcome = [&](Welcome welcome) {
    lasts += welcome == Welcome::kLast ? 1 : 0;
    nones += welcome == Welcome::kNone ? 1 : 0;
    open = welcome == Welcome::kOpen;
  };
  const auto keeper = AddressKeeper::Start(
      Options(), {.claim = [&claim] { return claim.load(); }, .on_welcome = on_welcome}, metrics_);
  ASSERT_TRUE(keeper.ok());
  ASSERT_TRUE(Eventually(AreHere));
  claim = Claim::kYields;
  ASSERT_TRUE(Eventually(AreGone));
  EXPECT_EQ(lasts, 1);
  EXPECT_EQ(nones, 1);
  EXPECT_TRUE(open);
}

TEST_F(AddressKeeperTest, KeepsThemBeyondTheirLifetime) {
  auto keeper = Start([] { return true; });
  ASSERT_TRUE(Eventually(AreHere));
  const Timestamp until = multicast::Now() + milliseconds(2500);
  while (multicast::Now() < until) {
    if (Metric("strata_address_late_renewals_total") == 0) {
      ASSERT_TRUE(AreHere());
    }
    sched_yield();
  }
  EXPECT_EQ(Metric("strata_address_held"), 2);
  keeper.reset();
  EXPECT_TRUE(AreGone());
}

TEST_F(AddressKeeperTest, ThoseOfAProcessThatStandsStillGo) {
  StartHolder();
  const Timestamp stopped = multicast::Now();
  ASSERT_EQ(kill(child_, SIGSTOP), 0);
  ASSERT_TRUE(Eventually(AreGone));
  EXPECT_LT(multicast::Now() - stopped, seconds(4));
}

TEST_F(AddressKeeperTest, ThoseOfAProcessThatWasKilledGo) {
  StartHolder();
  ASSERT_EQ(kill(child_, SIGKILL), 0);
  ASSERT_TRUE(Eventually(AreGone));
}

TEST_F(AddressKeeperTest, WhatWasLeftIsRemovedAtTheStart) {
  StartHolder();
  ASSERT_EQ(kill(child_, SIGSTOP), 0);
  const auto keeper = Start([] { return false; });
  EXPECT_TRUE(AreGone()) << "without waiting for the kernel";
}

TEST_F(AddressKeeperTest, WithoutAddressesItDoesNothing) {
  const auto keeper = AddressKeeper::Start({}, {}, metrics_);
  ASSERT_TRUE(keeper.ok());
  EXPECT_EQ((*keeper)->state(), "none");
  EXPECT_EQ(Metric("strata_address_configured"), 0);
}

TEST_F(AddressKeeperTest, RefusesAnInterfaceThatIsNotThere) {
  FloatingAddressOptions options = Options();
  options.interface = "eth9";
  EXPECT_EQ(FloatingAddresses::Open(options).status().code(), StatusCode::kNotFound);
}

TEST_F(AddressKeeperTest, RefusesTheMachinesOwnAddress) {
  FloatingAddressOptions options = Options();
  options.addresses = {IpAddress::V4(127, 0, 0, 1)};
  EXPECT_EQ(FloatingAddresses::Open(options).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(IsHere(IpAddress::V4(127, 0, 0, 1)));
}

TEST_F(AddressKeeperTest, SaysWhichRightIsMissing) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool poor = setgid(65534) == 0 && setuid(65534) == 0;
    const Status status = FloatingAddresses::Open(Options()).status();
    const bool told = MessageOf(status).find("CAP_NET_ADMIN") != std::string::npos;
    _exit(poor ? (status.code() == StatusCode::kPermissionDenied && told ? 0 : 1) : 2);
  }
  int ended = 0;
  ASSERT_EQ(waitpid(child, &ended, 0), child);
  if (WEXITSTATUS(ended) == 2) GTEST_SKIP() << "this process cannot give up its rights";
  EXPECT_EQ(WEXITSTATUS(ended), 0);
}

}  // namespace
}  // namespace strata::manager::address
