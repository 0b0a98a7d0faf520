#include "service_manager/link/stream_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace strata::manager::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const absl::Duration kPatience = absl::Seconds(20);

TEST(StreamWatchTest, EndsWhoIsSilent) {
  StreamWatch watch(milliseconds(1));
  absl::Notification cancelled;
  const StreamWatch::Stream stream(watch, [&] { cancelled.Notify(); });
  ASSERT_TRUE(cancelled.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(stream.ended().code(), StatusCode::kDeadlineExceeded);
}

TEST(StreamWatchTest, DoesNotTakeTheOwnWorkForSilence) {
  StreamWatch watch(milliseconds(1));
  absl::Notification other_cancelled;
  std::atomic<bool> cancelled = false;
  StreamWatch::Stream stream(watch, [&] { cancelled = true; });
  stream.Heard();
  const StreamWatch::Stream other(watch, [&] { other_cancelled.Notify(); });
  ASSERT_TRUE(other_cancelled.WaitForNotificationWithTimeout(kPatience));
  EXPECT_FALSE(cancelled);
  EXPECT_TRUE(stream.ended().ok());
}

TEST(StreamWatchTest, EndsWhoIsNotToBeBelievedAnyMore) {
  StreamWatch watch(seconds(100));
  absl::Notification cancelled;
  StreamWatch::Stream stream(watch, [&] { cancelled.Notify(); });
  stream.Believe([] { return PermissionDenied("revoked"); });
  ASSERT_TRUE(cancelled.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(MessageOf(stream.ended()), "revoked");
}

TEST(StreamWatchTest, KeepsTheFirstReasonAndCancelsOnce) {
  StreamWatch watch(seconds(100));
  std::atomic<int> cancelled = 0;
  StreamWatch::Stream stream(watch, [&] { ++cancelled; });
  stream.End(Unavailable("first"));
  stream.End(Unavailable("second"));
  EXPECT_EQ(MessageOf(stream.ended()), "first");
  EXPECT_EQ(cancelled, 1);
}

}  // namespace
}  // namespace strata::manager::link
