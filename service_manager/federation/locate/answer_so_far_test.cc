#include "service_manager/federation/locate/answer_so_far.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

using std::chrono::seconds;

Timestamp At(Duration since_zero) { return Timestamp() + since_zero; }
LocatedCopy Copy(std::string scope, std::string engine, uint64_t size = 0) {
  return {.holder = {std::move(scope), std::move(engine)}, .flags = 0, .size = size};
}

class AnswerSoFarTest : public testing::Test {
 protected:
  LocateAnswer Finish(Duration now = {}, bool trace = false) {
    return so_far_.Finish("cdn-one", trace, At({}), At(now));
  }
  void Add(const LocatedCopy& copy) { so_far_.AddCopies({&copy, 1}); }

  AnswerSoFar so_far_;
};

TEST_F(AnswerSoFarTest, CopiesAreInTheOrderOfTheirHoldersAndThereOnce) {
  Add(Copy("cdn-one/b", "e", 1));
  Add(Copy("cdn-one/a", "f", 2));
  LocateAnswer answer;
  answer.copies = {Copy("cdn-one/a", "", 3), Copy("cdn-one/b", "e", 4)};
  answer.keep_for = seconds(1);
  so_far_.AddAnswer(answer, At({}), At({}));
  const LocateAnswer whole = Finish();
  EXPECT_EQ(whole.copies, (std::vector{Copy("cdn-one/a", "", 3), Copy("cdn-one/a", "f", 2),
                                       Copy("cdn-one/b", "e", 4)}))
      << "the neighbour knows its own better";
}

TEST_F(AnswerSoFarTest, OnlyAnEngineThatIsHeardOfCanServe) {
  Add(Copy("cdn-one", ""));
  EXPECT_FALSE(so_far_.CanServe());
  LocatedCopy stale = Copy("cdn-one", "e");
  stale.stale = true;
  Add(stale);
  EXPECT_FALSE(so_far_.CanServe());
  Add(Copy("cdn-one", "e"));
  EXPECT_TRUE(so_far_.CanServe());
}

TEST_F(AnswerSoFarTest, TooManyCopiesAreCutTheSameInAnyOrder) {
  const size_t many = kLocatedCopiesMax + 10;
  for (size_t i = 0; i < many; ++i) Add(Copy("cdn-one", "e" + std::to_string(10'000 + i)));
  AnswerSoFar backwards;
  for (size_t i = many; i-- > 0;) {
    const LocatedCopy copy = Copy("cdn-one", "e" + std::to_string(10'000 + i));
    backwards.AddCopies({&copy, 1});
  }
  const LocateAnswer answer = Finish();
  EXPECT_EQ(answer.copies.size(), kLocatedCopiesMax);
  EXPECT_EQ(answer.gaps, (std::vector<LocateGap>{{"cdn-one", GapReason::kCut}}));
  EXPECT_EQ(answer, backwards.Finish("cdn-one", false, At({}), At({})));
  EXPECT_TRUE(CheckAnswer(answer).ok());
}

TEST_F(AnswerSoFarTest, IsKeptAsLongAsItsShortestPart) {
  so_far_.EndBy(At(seconds(10)));
  LocateAnswer part;
  part.keep_for = seconds(5);
  so_far_.AddAnswer(part, At(seconds(1)), At(seconds(2)));
  EXPECT_EQ(Finish(seconds(2)).keep_for, seconds(4)) << "from when it was asked";
  EXPECT_EQ(Finish(seconds(7)).keep_for, seconds(0));
}

TEST_F(AnswerSoFarTest, APartialAnswerIsNotKept) {
  so_far_.EndBy(At(seconds(10)));
  EXPECT_EQ(Finish().keep_for, seconds(10));
  so_far_.AddGap({"cdn-two", GapReason::kLost});
  EXPECT_EQ(Finish().keep_for, seconds(0));
  EXPECT_TRUE(Finish().partial());
}

TEST_F(AnswerSoFarTest, NothingIsKeptLongerThanTheBound) {
  EXPECT_EQ(Finish().keep_for, kAnswerKeptMax);
}

TEST_F(AnswerSoFarTest, GapsAreBounded) {
  for (int i = 0; i < 100; ++i) {
    so_far_.AddGap({"cdn-" + std::to_string(i), GapReason::kLost});
    so_far_.AddGap({"cdn-0", GapReason::kLost});
  }
  EXPECT_EQ(Finish().gaps.size(), kLocateGapsMax);
}

TEST_F(AnswerSoFarTest, TheTraceTellsEachHopBehindItsAsker) {
  LocateAnswer part;
  part.trace = {{.scope = "cdn-one/dc", .depth = 0, .copies = 1, .took = seconds(2)},
                {.scope = "cdn-one/dc/lan", .depth = 1, .copies = 1, .took = seconds(1)}};
  so_far_.AddAnswer(part, At(seconds(1)), At(seconds(4)));
  const LocateAnswer answer = Finish(seconds(5), true);
  ASSERT_EQ(answer.trace.size(), 3U);
  EXPECT_EQ(answer.trace[0], (LocateHop{.scope = "cdn-one", .took = seconds(5)}));
  EXPECT_EQ(answer.trace[1], (LocateHop{.scope = "cdn-one/dc",
                                        .depth = 1,
                                        .copies = 1,
                                        .took = seconds(2),
                                        .round_trip = seconds(3)}));
  EXPECT_EQ(answer.trace[2].depth, 2U);
  EXPECT_EQ(answer.trace[2].round_trip, seconds(0)) << "only its asker knows";
  EXPECT_TRUE(Finish(seconds(5), false).trace.empty());
}

TEST_F(AnswerSoFarTest, WhatOthersTraceKeepsTheBounds) {
  LocateAnswer part;
  part.trace.assign(kLocateTraceMax, {.scope = "cdn-two", .depth = 1});
  part.trace[0].depth = kLocateHopsMax;
  so_far_.AddAnswer(part, At({}), At(seconds(60)));
  so_far_.AddAnswer(part, At({}), At(seconds(60)));
  const LocateAnswer answer = Finish(seconds(60), true);
  EXPECT_EQ(answer.trace.size(), kLocateTraceMax);
  EXPECT_TRUE(CheckAnswer(answer).ok());
}

}  // namespace
}  // namespace strata::manager::federation
