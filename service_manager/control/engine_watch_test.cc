#include "service_manager/control/engine_watch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace strata::manager::control {
namespace {

using farm::EngineId;
using std::chrono::seconds;

constexpr EngineId kNorth(101);
constexpr EngineId kSouth(102);

class EngineWatchTest : public testing::Test {
 protected:
  Timestamp now_ = Timestamp() + seconds(100);
  EngineWatch watch_{now_};
};

TEST_F(EngineWatchTest, TellsWhoCameAndWhoLeft) {
  EngineWatch::Change change = watch_.OnView({kNorth}, now_);
  EXPECT_EQ(change.came, std::vector<EngineId>{kNorth});
  EXPECT_TRUE(change.left.empty());
  change = watch_.OnView({kSouth}, now_);
  EXPECT_EQ(change.came, std::vector<EngineId>{kSouth});
  EXPECT_EQ(change.left, std::vector<EngineId>{kNorth});
  change = watch_.OnView({kSouth}, now_);
  EXPECT_TRUE(change.came.empty());
  EXPECT_TRUE(change.left.empty());
}

TEST_F(EngineWatchTest, KnowsHowLongOneHasBeenAway) {
  watch_.OnView({kNorth}, now_);
  EXPECT_EQ(watch_.AwayFor(kNorth, now_ + seconds(1)), Duration::zero());
  EXPECT_EQ(watch_.AwayFor(kSouth, now_ + seconds(1)), seconds(1)) << "it was never seen";
  watch_.OnView({}, now_ + seconds(2));
  watch_.OnView({}, now_ + seconds(3));
  EXPECT_EQ(watch_.AwayFor(kNorth, now_ + seconds(5)), seconds(3));
  watch_.OnView({kNorth}, now_ + seconds(6));
  EXPECT_EQ(watch_.AwayFor(kNorth, now_ + seconds(7)), Duration::zero());
}

TEST_F(EngineWatchTest, AliveIsWhoRenewsAndIsInTheGroup) {
  watch_.OnView({kNorth}, now_);
  EXPECT_FALSE(watch_.IsAlive(kNorth, now_)) << "it has not renewed here";
  watch_.OnRenewed(kNorth, now_);
  watch_.OnRenewed(kSouth, now_);
  EXPECT_TRUE(watch_.IsAlive(kNorth, now_));
  EXPECT_FALSE(watch_.IsAlive(kSouth, now_)) << "it is not in the group";
  EXPECT_FALSE(watch_.IsAlive(kNorth, now_ + kAliveFor));
}

TEST_F(EngineWatchTest, WhoIsBelievedToBeAliveIs) {
  watch_.OnView({kNorth, kSouth}, now_);
  watch_.Believe({kNorth}, now_ + seconds(1));
  EXPECT_TRUE(watch_.IsAlive(kNorth, now_ + seconds(1)));
  EXPECT_FALSE(watch_.IsAlive(kSouth, now_ + seconds(1)));
}

}  // namespace
}  // namespace strata::manager::control
