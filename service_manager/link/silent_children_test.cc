#include "service_manager/link/silent_children.h"

#include <gtest/gtest.h>

namespace strata::manager::link {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Duration kLimit = hours(24);

class SilentChildrenTest : public ::testing::Test {
 protected:
  std::optional<std::string> LongestAt(Duration at) const {
    return silent_.Longest(kLimit, Timestamp() + at);
  }
  void LookAt(Duration at, const std::vector<std::string>& silent) {
    silent_.Look(silent, Timestamp() + at);
  }

  SilentChildren silent_;
};

TEST_F(SilentChildrenTest, ItIsTheLongestOfThoseWhoseTimeIsOver) {
  LookAt(hours(1), {"cdn/b"});
  LookAt(hours(2), {"cdn/a", "cdn/b"});
  EXPECT_EQ(LongestAt(hours(25) - minutes(1)), std::nullopt);
  EXPECT_EQ(LongestAt(hours(25)), "cdn/b");
  EXPECT_EQ(LongestAt(hours(30)), "cdn/b");
}

TEST_F(SilentChildrenTest, AStreamBeginsTheTimeAnew) {
  LookAt(hours(1), {"cdn/a"});
  LookAt(hours(20), {});
  LookAt(hours(21), {"cdn/a"});
  EXPECT_EQ(LongestAt(hours(26)), std::nullopt);
  EXPECT_EQ(LongestAt(hours(45)), "cdn/a");
}

}  // namespace
}  // namespace strata::manager::link
