#include "service_engine/core/health_judge.h"

#include <gtest/gtest.h>

namespace strata::engine {
namespace {

using farm::Health;
using std::chrono::seconds;

constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000'000);

class HealthJudgeTest : public ::testing::Test {
 protected:
  HealthJudgeTest() { judge_.Judge(kStart); }
  Health HealthAt(Timestamp now) { return judge_.Judge(now).health; }
  std::string ReasonAt(Timestamp now) { return judge_.Judge(now).reason; }
  // A window's requests; the next one begins at the end of it.
  Timestamp Window(Timestamp start, int good, int bad) {
    for (int i = 0; i < good; ++i) judge_.OnRequest(200, start);
    for (int i = 0; i < bad; ++i) judge_.OnRequest(503, start);
    return start + seconds(10);
  }

  HealthJudge judge_;
};

TEST_F(HealthJudgeTest, IsUpWhileNothingSpeaksAgainstIt) {
  EXPECT_EQ(judge_.Judge(kStart), HealthJudge::Verdict());
}

TEST_F(HealthJudgeTest, OneFailedProbeIsNothingAndThreeAreDown) {
  judge_.OnOwnProbe("time-out");
  judge_.OnOwnProbe("time-out");
  EXPECT_EQ(HealthAt(kStart), Health::kUp);
  judge_.OnOwnProbe("connection refused");
  EXPECT_EQ(HealthAt(kStart), Health::kDown);
  EXPECT_EQ(ReasonAt(kStart), "probe: connection refused");
}

TEST_F(HealthJudgeTest, ASuccessInBetweenStartsTheCountAnew) {
  for (int i = 0; i < 5; ++i) {
    judge_.OnOwnProbe("time-out");
    judge_.OnOwnProbe("time-out");
    judge_.OnOwnProbe("");
  }
  EXPECT_EQ(HealthAt(kStart), Health::kUp);
}

TEST_F(HealthJudgeTest, TwoSuccessesBringItBack) {
  for (int i = 0; i < 3; ++i) judge_.OnOwnProbe("time-out");
  judge_.OnOwnProbe("");
  judge_.OnOwnProbe("time-out");
  judge_.OnOwnProbe("");
  EXPECT_EQ(HealthAt(kStart), Health::kDown);
  judge_.OnOwnProbe("");
  EXPECT_EQ(HealthAt(kStart), Health::kUp);
}

TEST_F(HealthJudgeTest, WhatOnlyAnotherMemberCannotReachIsDegraded) {
  for (int i = 0; i < 3; ++i) judge_.OnPeerProbe("no route to host");
  EXPECT_EQ(HealthAt(kStart), Health::kDegraded);
  EXPECT_EQ(ReasonAt(kStart), "another member's probe: no route to host");
  judge_.OnPeerProbe("");
  judge_.OnPeerProbe("");
  EXPECT_EQ(HealthAt(kStart), Health::kUp);
}

TEST_F(HealthJudgeTest, ManyErrorsDegradeAndFewDoNot) {
  Timestamp now = Window(kStart, 96, 4);
  EXPECT_EQ(HealthAt(now), Health::kUp);
  now = Window(now, 94, 6);
  EXPECT_EQ(HealthAt(now), Health::kDegraded);
  EXPECT_EQ(ReasonAt(now), "6 % of the answers are 5xx");
}

TEST_F(HealthJudgeTest, TheShareOfErrorsHasToFallFurtherThanItRose) {
  Timestamp now = Window(kStart, 90, 10);
  now = Window(now, 97, 3);
  EXPECT_EQ(HealthAt(now), Health::kDegraded);
  now = Window(now, 99, 1);
  EXPECT_EQ(HealthAt(now), Health::kUp);
}

TEST_F(HealthJudgeTest, FewRequestsSayNothing) {
  const Timestamp now = Window(kStart, 0, 19);
  EXPECT_EQ(HealthAt(now), Health::kUp);
}

TEST_F(HealthJudgeTest, WhomNobodyAsksIsTriedAgain) {
  Timestamp now = Window(kStart, 0, 50);
  EXPECT_EQ(HealthAt(now), Health::kDegraded);
  EXPECT_EQ(HealthAt(now + seconds(10)), Health::kUp);
}

TEST_F(HealthJudgeTest, WhomFewAskAndGetWhatTheyWantIsUpAgain) {
  Timestamp now = Window(kStart, 90, 10);
  EXPECT_EQ(HealthAt(now), Health::kDegraded);
  now = Window(now, 2, 1);
  EXPECT_EQ(HealthAt(now), Health::kDegraded);
  now = Window(now, 3, 0);
  EXPECT_EQ(HealthAt(now), Health::kUp);
}

TEST_F(HealthJudgeTest, ADiskErrorDegradesForAWhile) {
  judge_.OnDiskError("read /cache: Input/output error", kStart);
  EXPECT_EQ(ReasonAt(kStart + seconds(29)), "disk: read /cache: Input/output error");
  EXPECT_EQ(HealthAt(kStart + seconds(30)), Health::kUp);
}

TEST_F(HealthJudgeTest, AFullDiskDegradesAsLongAsItIsFull) {
  judge_.OnDiskFull(true);
  EXPECT_EQ(ReasonAt(kStart), "disk full");
  judge_.OnDiskFull(false);
  EXPECT_EQ(HealthAt(kStart), Health::kUp);
}

TEST_F(HealthJudgeTest, TheReasonFitsIntoAMessage) {
  for (int i = 0; i < 3; ++i) judge_.OnOwnProbe("a\nb\xff" + std::string(500, 'x'));
  const std::string reason = ReasonAt(kStart);
  EXPECT_LE(reason.size(), farm::kMaxReason);
  EXPECT_EQ(reason, "probe: a b");
}

}  // namespace
}  // namespace strata::engine
