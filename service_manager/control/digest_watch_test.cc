#include "service_manager/control/digest_watch.h"

#include <gtest/gtest.h>

namespace strata::manager::control {
namespace {

using Finding = DigestWatch::Finding;

constexpr farm::EngineId kA{101};
constexpr farm::EngineId kB{102};
const farm::TableDigest kOurs(1, 2);
const farm::TableDigest kOther(3, 4);

TEST(DigestWatchTest, ComparesWithTheStateAsOfTheSameQuestion) {
  DigestWatch watch;
  watch.OnAsked({7, 100, kOurs, {}});
  watch.OnAsked({8, 101, kOther, {}});
  EXPECT_EQ(watch.OnTold(kA, 7, kOurs), Finding::kEqual);
  EXPECT_EQ(watch.OnTold(kA, 8, kOther), Finding::kEqual);
  EXPECT_EQ(watch.OnTold(kB, 7, kOther), Finding::kDiffers);
  EXPECT_EQ(watch.differing(), (std::map<farm::EngineId, uint64_t>{{kB, 7}}));
}

TEST(DigestWatchTest, WhoKeepsAPartIsComparedWithThatPart) {
  DigestWatch watch;
  watch.OnAsked({7, 100, kOurs, {{kA, kOther}}});
  EXPECT_EQ(watch.OnTold(kA, 7, kOther), Finding::kEqual);
  EXPECT_EQ(watch.OnTold(kA, 7, kOurs), Finding::kDiffers);
  EXPECT_EQ(watch.OnTold(kB, 7, kOurs), Finding::kEqual);
}

TEST(DigestWatchTest, AnAnswerToNoQuestionSaysNothing) {
  DigestWatch watch;
  EXPECT_EQ(watch.OnTold(kA, 7, kOther), Finding::kUnknown);
  EXPECT_TRUE(watch.differing().empty());
}

TEST(DigestWatchTest, WhoIsEqualAgainDiffersNoLonger) {
  DigestWatch watch;
  watch.OnAsked({7, 100, kOurs, {}});
  watch.OnAsked({8, 200, kOurs, {}});
  EXPECT_EQ(watch.OnTold(kA, 7, kOther), Finding::kDiffers);
  EXPECT_EQ(watch.OnTold(kA, 8, kOurs), Finding::kEqual);
  EXPECT_TRUE(watch.differing().empty());
}

TEST(DigestWatchTest, WhoLeftIsForgotten) {
  DigestWatch watch;
  watch.OnAsked({7, 100, kOurs, {}});
  EXPECT_EQ(watch.OnTold(kA, 7, kOther), Finding::kDiffers);
  EXPECT_EQ(watch.OnTold(kB, 7, kOther), Finding::kDiffers);
  watch.OnView({kB});
  EXPECT_EQ(watch.differing(), (std::map<farm::EngineId, uint64_t>{{kB, 7}}));
}

TEST(DigestWatchTest, KeepsTheLastQuestionsOnly) {
  DigestWatch watch;
  for (uint64_t number = 1; number <= kDigestsKept + 1; ++number)
    watch.OnAsked({number, 1, kOurs, {}});
  EXPECT_FALSE(watch.Find(1));
  EXPECT_TRUE(watch.Find(2));
  EXPECT_TRUE(watch.Find(kDigestsKept + 1));
}

}  // namespace
}  // namespace strata::manager::control
