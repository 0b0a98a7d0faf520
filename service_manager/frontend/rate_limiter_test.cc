#include "service_manager/frontend/rate_limiter.h"

#include <gtest/gtest.h>

namespace strata::manager::frontend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Timestamp kStart = Timestamp::FromNanos(5'000'000'000'000);

IpAddress Client(const char* text) { return *IpAddress::Parse(text); }

class RateLimiterTest : public ::testing::Test {
 protected:
  SeededRandom random_{1};
  RateLimiter limiter_{{.rate = 10, .burst = 3}, 1024, random_};
  const IpAddress client_ = Client("192.0.2.1");

  int Passed(const IpAddress& client, int requests, Timestamp now) {
    int passed = 0;
    for (int i = 0; i < requests; ++i) passed += limiter_.Ask(client, now) == Duration::zero();
    return passed;
  }
};

TEST_F(RateLimiterTest, PassesABurstAndThenTheRate) {
  EXPECT_EQ(Passed(client_, 10, kStart), 3);
  EXPECT_EQ(Passed(client_, 10, kStart + milliseconds(99)), 0);
  EXPECT_EQ(Passed(client_, 10, kStart + milliseconds(100)), 1);
  EXPECT_EQ(Passed(client_, 10, kStart + milliseconds(300)), 2);
  EXPECT_EQ(Passed(client_, 10, kStart + seconds(60)), 3);
}

TEST_F(RateLimiterTest, TellsHowLongToWait) {
  EXPECT_EQ(Passed(client_, 3, kStart), 3);
  EXPECT_EQ(limiter_.Ask(client_, kStart), milliseconds(100));
  EXPECT_EQ(limiter_.Ask(client_, kStart + milliseconds(40)), milliseconds(60));
}

TEST_F(RateLimiterTest, ARefusedRequestCostsNothing) {
  EXPECT_EQ(Passed(client_, 1000, kStart), 3);
  EXPECT_EQ(Passed(client_, 1, kStart + milliseconds(100)), 1);
}

TEST_F(RateLimiterTest, ClientsAreOnTheirOwn) {
  EXPECT_EQ(Passed(client_, 5, kStart), 3);
  EXPECT_EQ(Passed(Client("192.0.2.2"), 5, kStart), 3);
}

TEST_F(RateLimiterTest, AnIpv6NetworkOf64BitsIsOneClient) {
  EXPECT_EQ(Passed(Client("2001:db8:1:2::1"), 5, kStart), 3);
  EXPECT_EQ(Passed(Client("2001:db8:1:2:ffff::2"), 5, kStart), 0);
  EXPECT_EQ(Passed(Client("2001:db8:1:3::1"), 5, kStart), 3);
}

TEST_F(RateLimiterTest, AMappedAddressIsTheIpv4One) {
  EXPECT_EQ(Passed(client_, 5, kStart), 3);
  EXPECT_EQ(Passed(Client("::ffff:192.0.2.1"), 5, kStart), 0);
}

TEST_F(RateLimiterTest, ABusyClientStaysLimitedAmongManyQuietOnes) {
  RateLimiter small({.rate = 10, .burst = 100}, 8, random_);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(small.Ask(client_, kStart), Duration::zero());
  for (uint8_t i = 0; i < 200; ++i) {
    EXPECT_EQ(small.Ask(IpAddress::V4(10, 0, 0, i), kStart), Duration::zero());
  }
  EXPECT_GT(small.Ask(client_, kStart), Duration::zero());
}

TEST_F(RateLimiterTest, LowAndHighRatesAreFine) {
  RateLimiter low({.rate = 1e-12, .burst = 1e12}, 8, random_);
  EXPECT_EQ(low.Ask(client_, kStart), Duration::zero());
  RateLimiter high({.rate = 1e12, .burst = 1}, 8, random_);
  EXPECT_EQ(high.Ask(client_, kStart), Duration::zero());
  EXPECT_EQ(high.Ask(client_, kStart + Duration(1)), Duration::zero());
}

}  // namespace
}  // namespace strata::manager::frontend
