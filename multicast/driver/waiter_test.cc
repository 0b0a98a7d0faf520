#include "multicast/driver/waiter.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

#include "common/bytes.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/socket_set.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

class WaiterTest : public testing::Test {
 protected:
  WaiterTest() {
    SocketSettings settings;
    settings.interface = "lo";
    settings.group = IpAddress::V4(239, 7, 7, 3);
    settings.port = static_cast<uint16_t>(20000 + getpid() * 2 % 40000);
    settings.loopback = true;
    sockets_ = *SocketSet::Open(settings, counters_);
    waiter_ = *Waiter::Create(*sockets_, counters_);
  }
  bool OuterLoopReadable(int timeout_ms) {
    pollfd wait = {.fd = waiter_->fd(), .events = POLLIN, .revents = 0};
    return poll(&wait, 1, timeout_ms) == 1;
  }

  DriverCounters counters_;
  std::unique_ptr<SocketSet> sockets_;
  std::unique_ptr<Waiter> waiter_;
};

TEST_F(WaiterTest, LastsUntilTheTimeIsOver) {
  Timestamp start = Now();
  Waiter::Ready ready = waiter_->Wait(microseconds(300), true);
  EXPECT_GE(Now() - start, microseconds(300));
  EXPECT_FALSE(ready.data || ready.acks || ready.unicast || ready.link);
}

TEST_F(WaiterTest, TellsWhichSocketIsReady) {
  sockets_->SendToGroup(AsBytes("x"));
  sockets_->SendTo(sockets_->unicast(), AsBytes("y"));
  sockets_->Flush();
  Waiter::Ready ready = waiter_->Wait(seconds(20), true);
  EXPECT_TRUE(ready.data);
  EXPECT_TRUE(ready.unicast);
  EXPECT_FALSE(ready.acks);
}

TEST_F(WaiterTest, SleepsOnWhenOnlyAcksComeThatNobodyWants) {
  sockets_->SendToAcks(AsBytes("x"));
  sockets_->Flush();
  EXPECT_FALSE(waiter_->Wait(microseconds(500), false).acks);
  EXPECT_TRUE(waiter_->Wait(seconds(20), true).acks);
}

TEST_F(WaiterTest, IsWokenByAnotherThread) {
  std::thread other([this] { waiter_->Wake(); });
  Timestamp start = Now();
  waiter_->Wait(seconds(20), true);
  EXPECT_LT(Now() - start, seconds(20));
  other.join();
}

TEST_F(WaiterTest, IsWokenOnceByOneWake) {
  waiter_->Wake();
  waiter_->Wait(seconds(20), true);
  Timestamp start = Now();
  waiter_->Wait(microseconds(200), true);
  EXPECT_GE(Now() - start, microseconds(200));
}

TEST_F(WaiterTest, ASpinLastsUntilItsTimeIsOverOrSomethingIsReady) {
  Waiter::Ready ready;
  const Timestamp start = Now();
  EXPECT_FALSE(waiter_->Spin(microseconds(200), true, ready));
  EXPECT_GE(Now() - start, microseconds(200));
  EXPECT_FALSE(ready.data);
  sockets_->SendToGroup(AsBytes("x"));
  sockets_->Flush();
  EXPECT_TRUE(waiter_->Spin(seconds(20), true, ready));
  EXPECT_TRUE(ready.data);
}

TEST_F(WaiterTest, ASpinIsEndedByAWake) {
  waiter_->Wake();
  Waiter::Ready ready;
  EXPECT_TRUE(waiter_->Spin(seconds(20), true, ready));
  EXPECT_FALSE(ready.data || ready.acks || ready.unicast || ready.link);
}

TEST_F(WaiterTest, TheOuterLoopSeesPacketsAndTheDeadline) {
  waiter_->fd();
  waiter_->SetDeadline(Timestamp::Never(), true);
  EXPECT_FALSE(OuterLoopReadable(0));
  waiter_->SetDeadline(Now() + microseconds(100), true);
  EXPECT_TRUE(OuterLoopReadable(20000));
  waiter_->Wait(Duration::zero(), true);
  waiter_->SetDeadline(Timestamp::Never(), true);
  EXPECT_FALSE(OuterLoopReadable(0));
  sockets_->SendToGroup(AsBytes("x"));
  sockets_->Flush();
  EXPECT_TRUE(OuterLoopReadable(20000));
}

}  // namespace
}  // namespace strata::multicast
