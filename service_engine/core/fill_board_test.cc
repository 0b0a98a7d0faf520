#include "service_engine/core/fill_board.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::engine {
namespace {

using Kind = FillBoard::Place::Kind;
using Share = FillBoard::Share;

constexpr farm::ContentKey kFilm{1, 1};
constexpr farm::ContentKey kOther{2, 2};
constexpr FillBoard::Wish kLeads{.fills = true, .claims = true};
constexpr FillBoard::Wish kFills{.fills = true, .claims = false};
constexpr FillBoard::Wish kJoins{};

class FillBoardTest : public ::testing::Test {
 protected:
  FetchNumber Lead(const farm::ContentKey& key = kFilm, const HttpFields& request = {}) {
    const FillBoard::Place place = board_.Enter(key, request, true, now_);
    EXPECT_EQ(place.kind, Kind::kLead);
    return place.number;
  }
  Kind Enter(const HttpFields& request = {}, bool shares = true) {
    return board_.Enter(kFilm, request, shares, now_).kind;
  }
  void Answer(FetchNumber number, FillBoard::Answer answer, uint32_t round = 0) {
    EXPECT_TRUE(board_.OnAnswer(number, round, std::move(answer), now_));
  }

  Timestamp now_ = Timestamp::FromNanos(1);
  FillBoard board_{FillBoardLimits{.fetches_max = 3, .held_max = 5, .remembered_max = 2}};
};

TEST_F(FillBoardTest, TheFirstLeadsAndOthersJoin) {
  const FetchNumber number = Lead();
  EXPECT_EQ(board_.Enter(kFilm, {}, true, now_).kind, Kind::kJoin);
  EXPECT_EQ(board_.FindToJoin(kFilm, {}), number);
  EXPECT_EQ(board_.FindToJoin(kOther, {}), 0u);
  EXPECT_EQ(Enter({}, false), Kind::kLead) << "what is for one is fetched for one";
}

TEST_F(FillBoardTest, AllTakeASharedAnswerOnceItIsThere) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  const auto joiner = board_.Attach(number, kFilm, kJoins);
  ASSERT_TRUE(leader && joiner);
  EXPECT_TRUE(leader->leads);
  EXPECT_EQ(board_.Look(*joiner, {}), Share::kWait);
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_EQ(board_.Look(*leader, {}), Share::kTake);
  EXPECT_EQ(board_.Look(*joiner, {}), Share::kTake);
  EXPECT_EQ(board_.Attach(number, kOther, kJoins), std::nullopt) << "of another content";
}

TEST_F(FillBoardTest, OnlyOneLeads) {
  const FetchNumber number = Lead();
  EXPECT_TRUE(board_.Attach(number, kFilm, kLeads)->leads);
  EXPECT_FALSE(board_.Attach(number, kFilm, kLeads)->leads);
  EXPECT_EQ(board_.FillersOf(number), 2u);
}

TEST_F(FillBoardTest, AFetchIsForgottenWhenItHasEndedAndItsReadersHaveLeft) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  EXPECT_FALSE(board_.Detach(*leader)) << "it goes on without its client";
  const auto joiner = board_.Attach(number, kFilm, kJoins);
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_TRUE(board_.OnEnd(number, 0, true));
  EXPECT_EQ(Enter(), Kind::kJoin) << "its bytes are all there";
  EXPECT_TRUE(board_.Detach(*joiner));
  EXPECT_FALSE(board_.Contains(number));
  EXPECT_EQ(Enter(), Kind::kLead);
}

TEST_F(FillBoardTest, AFetchWaitsForItsLeaderUntilItExpires) {
  const FetchNumber number = Lead();
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_TRUE(board_.OnEnd(number, 0, true));
  EXPECT_TRUE(board_.Contains(number));
  EXPECT_TRUE(board_.Expire(number));
  EXPECT_FALSE(board_.Contains(number));
}

TEST_F(FillBoardTest, WhatIsNotKeptIsTheLeadersAlone) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  const auto joiner = board_.Attach(number, kFilm, kJoins);
  Answer(number, {.status = 200, .shared = false, .vary = {}});
  EXPECT_EQ(board_.Look(*leader, {}), Share::kTake);
  EXPECT_EQ(board_.Look(*joiner, {}), Share::kOwn);
}

TEST_F(FillBoardTest, WhatIsNotKeptIsNotWaitedForAWhile) {
  Answer(Lead(), {.status = 200, .shared = false, .vary = {}});
  EXPECT_EQ(Enter(), Kind::kLead);
  EXPECT_EQ(Enter(), Kind::kLead) << "nobody joins these";
  now_ += std::chrono::seconds(11);
  EXPECT_EQ(Enter(), Kind::kFull) << "three are open";
}

TEST_F(FillBoardTest, VariantsAreFetchedEachByItself) {
  const HttpFields german = {{"Accept-Language", "de"}};
  const HttpFields english = {{"Accept-Language", "en"}};
  const FetchNumber number = Lead(kFilm, german);
  const auto other = board_.Attach(number, kFilm, kJoins);
  const auto same = board_.Attach(number, kFilm, kJoins);
  Answer(number, {.status = 200, .shared = true, .vary = {"accept-language"}});
  EXPECT_EQ(board_.Look(*other, english), Share::kOwn);
  EXPECT_EQ(board_.Look(*same, german), Share::kTake);
  EXPECT_EQ(Enter(english), Kind::kLead);
  EXPECT_EQ(Enter({{"Accept-Language", "fr"}}), Kind::kLead) << "it is known to vary";
  EXPECT_EQ(Enter(english), Kind::kJoin);
}

TEST_F(FillBoardTest, RenewalsAndErrorsAreForCaches) {
  const HttpFields conditions = {{"If-None-Match", "1"}};
  const FetchNumber number = Lead(kFilm, conditions);
  const auto joiner = board_.Attach(number, kFilm, kJoins);
  const auto filler = board_.Attach(number, kFilm, kFills);
  Answer(number, {.status = 304, .shared = true, .vary = {}});
  EXPECT_EQ(board_.Look(*joiner, {}), Share::kOwn);
  EXPECT_EQ(board_.Look(*filler, conditions), Share::kTake);
  EXPECT_EQ(board_.Look(*filler, {{"If-None-Match", "2"}}), Share::kOwn);
  const FetchNumber broken = Lead(kOther);
  const auto waiting = board_.Attach(broken, kOther, kJoins);
  Answer(broken, {.status = 503, .shared = true, .vary = {}});
  EXPECT_EQ(board_.Look(*waiting, {}), Share::kOwn);
}

TEST_F(FillBoardTest, ABrokenFetchIsJoinedByNobody) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_TRUE(board_.OnEnd(number, 0, false));
  EXPECT_EQ(Enter(), Kind::kLead);
  EXPECT_TRUE(board_.Detach(*leader));
}

TEST_F(FillBoardTest, APurgeCutsOffWhatHasBegun) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_EQ(board_.Look(*leader, {}), Share::kTake);
  const auto ended = board_.EndOlder(std::vector{kFilm, kOther});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].again);
  EXPECT_EQ(board_.Look(*leader, {}), Share::kGone);
  EXPECT_EQ(board_.Attach(number, kFilm, kJoins), std::nullopt);
  EXPECT_EQ(Enter(), Kind::kLead) << "what begins now asks the origin";
  EXPECT_EQ(board_.FillersOf(number), 1u);
  EXPECT_TRUE(board_.Detach(*leader));
  EXPECT_EQ(board_.FillersOf(number), 0u);
  EXPECT_EQ(board_.size(), 1u);
}

TEST_F(FillBoardTest, APurgeAsksAgainForWhatNobodyHasHad) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  const auto ended = board_.EndOlder(std::vector{kFilm});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].again);
  EXPECT_EQ(ended[0].round, 1u);
  EXPECT_FALSE(board_.OnAnswer(number, 0, {.status = 200, .shared = true, .vary = {}}, now_));
  EXPECT_FALSE(board_.OnEnd(number, 0, true));
  EXPECT_EQ(board_.Look(*leader, {}), Share::kWait);
  Answer(number, {.status = 200, .shared = true, .vary = {}}, 1);
  EXPECT_EQ(board_.Look(*leader, {}), Share::kTake);
}

TEST_F(FillBoardTest, AnAnswerThatNobodyHasTakenIsAskedForAgain) {
  const FetchNumber number = Lead();
  Answer(number, {.status = 200, .shared = true, .vary = {}});
  EXPECT_TRUE(board_.OnEnd(number, 0, true));
  ASSERT_EQ(board_.EndOlder(std::vector{kFilm}).size(), 1u);
  EXPECT_FALSE(board_.Expire(number)) << "its second round is open";
}

TEST_F(FillBoardTest, WhatIsCutIsNotAskedAgain) {
  const FetchNumber number = Lead();
  const auto leader = board_.Attach(number, kFilm, kLeads);
  board_.Cut(number);
  EXPECT_EQ(board_.Look(*leader, {}), Share::kGone);
  EXPECT_FALSE(board_.OnAnswer(number, 0, {.status = 200, .shared = true, .vary = {}}, now_));
  EXPECT_EQ(board_.FillersOf(number), 1u);
  EXPECT_TRUE(board_.Detach(*leader));
  EXPECT_FALSE(board_.Contains(number));
  const FetchNumber unclaimed = Lead();
  board_.Cut(unclaimed);
  EXPECT_FALSE(board_.Contains(unclaimed));
  EXPECT_EQ(Enter(), Kind::kLead);
}

TEST_F(FillBoardTest, OpenAndHeldFetchesHaveLimits) {
  std::vector<FetchNumber> numbers;
  for (uint64_t i = 10; i < 13; ++i) numbers.push_back(Lead({i, i}));
  EXPECT_EQ(Enter(), Kind::kFull);
  for (const FetchNumber number : numbers) EXPECT_TRUE(board_.OnEnd(number, 0, true));
  Lead({20, 20});
  Lead({21, 21});
  EXPECT_EQ(Enter(), Kind::kFull) << "five are held";
}

}  // namespace
}  // namespace strata::engine
