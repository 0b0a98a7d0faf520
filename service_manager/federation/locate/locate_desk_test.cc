#include "service_manager/federation/locate/locate_desk.h"

#include <gtest/gtest.h>

#include <map>

#include "farm/content_identity.h"

namespace strata::manager::federation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kUri = "http://films.example/one";
const farm::ContentKey kKey = farm::KeyOf(kUri);
const Neighbour kParent{NeighbourId(1), "exchange"};
const Neighbour kDcOne{NeighbourId(2), "cdn/dc-one"};
const Neighbour kDcTwo{NeighbourId(3), "cdn/dc-two"};
constexpr NeighbourId kOwn{};

LocatedCopy Copy(std::string scope, std::string engine = "") {
  return {.holder = {std::move(scope), std::move(engine)}};
}
const LocatedCopy kFarEngine = Copy("other/lan", "e");
const LocatedCopy kDcOneEngine = Copy("cdn/dc-one/lan", "e");

LocateAnswer AnswerOf(std::vector<LocatedCopy> copies, Duration keep_for = seconds(1)) {
  LocateAnswer answer;
  answer.copies = std::move(copies);
  answer.keep_for = keep_for;
  return answer;
}

// The manager of "cdn": a parent, two data centers.
class LocateDeskTest : public testing::Test {
 protected:
  LocateDeskTest() { Restart({.has_parent = true}); }

  void Restart(const LocateSettings& settings) {
    desk_ = std::make_unique<LocateDesk>(
        "cdn", settings, [this](const farm::ContentKey&, std::string_view) { return local_; });
    desk_->OnParent(kParent, now_);
    desk_->OnChild(kDcOne, now_);
    desk_->OnChild(kDcTwo, now_);
  }
  static LocateQuestion Question() {
    return {.key = kKey, .canonical_uri = kUri, .time_left = milliseconds(100)};
  }
  void Ask(uint64_t id, NeighbourId from = kOwn, LocateQuestion question = Question()) {
    desk_->OnQuestion(QuestionId(id), from, std::move(question), now_);
    Drain();
  }
  // Of what was asked, the n-th from the start.
  void Reply(size_t n, StatusOr<LocateAnswer> answer) {
    desk_->OnAnswer(asks_.at(n).to, asks_.at(n).number, std::move(answer), now_);
    Drain();
  }
  void Pass(Duration time) {
    now_ += time;
    desk_->OnTimer(now_);
    Drain();
  }
  void Purge() {
    desk_->OnPurge({&kKey, 1}, now_);
    Drain();
  }
  void Disconnect(const Neighbour& neighbour) {
    desk_->OnDisconnected(neighbour.id, now_);
    Drain();
  }
  void Drain() {
    for (LocateAction& action : desk_->TakeActions()) {
      if (auto* ask = std::get_if<AskAction>(&action)) {
        asks_.push_back(std::move(*ask));
      } else {
        auto& reply = std::get<AnswerAction>(action);
        EXPECT_TRUE(answers_.emplace(reply.question.value(), reply.answer).second) << "twice";
      }
    }
  }
  bool Answered(uint64_t id) const { return answers_.contains(id); }
  const LocateAnswer& Answer(uint64_t id) const { return *answers_.at(id); }
  std::vector<LocateGap> Gaps(uint64_t id) const { return Answer(id).gaps; }

  Timestamp now_ = Timestamp::FromNanos(1'000'000'000);
  LocalCopies local_;
  std::unique_ptr<LocateDesk> desk_;
  std::vector<AskAction> asks_;
  std::map<uint64_t, StatusOr<LocateAnswer>> answers_;
};

// ---- The way.

TEST_F(LocateDeskTest, EnginesOfTheDirectoryAreTheAnswer) {
  local_.copies = {kDcOneEngine};
  Ask(1);
  EXPECT_TRUE(asks_.empty());
  EXPECT_EQ(Answer(1).copies, local_.copies);
  EXPECT_FALSE(Answer(1).partial());
  EXPECT_EQ(Answer(1).keep_for, seconds(5));
  EXPECT_EQ(desk_->open_questions(), 0U);
}

TEST_F(LocateDeskTest, ACopyThatExpiresEndsTheTimeToKeepTheAnswer) {
  local_ = {.copies = {kDcOneEngine}, .lifetime = seconds(2), .purges = {}};
  Ask(1);
  EXPECT_EQ(Answer(1).keep_for, seconds(2));
}

TEST_F(LocateDeskTest, FollowsScopesDownThroughTheChildOnTheWay) {
  local_.copies = {Copy("cdn/dc-one/lan")};
  Ask(1);
  ASSERT_EQ(asks_.size(), 1U);
  EXPECT_EQ(asks_[0].to, kDcOne.id);
  EXPECT_EQ(asks_[0].question.hops_left, kLocateHopsMax - 1);
  EXPECT_EQ(asks_[0].question.visited, (std::vector<std::string>{"cdn"}));
  EXPECT_FALSE(Answered(1));
  Reply(0, AnswerOf({kDcOneEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{kDcOneEngine})) << "the scope itself says no more";
  EXPECT_FALSE(Answer(1).partial());
  EXPECT_EQ(Answer(1).keep_for, seconds(1)) << "as the child said";
}

TEST_F(LocateDeskTest, AMissClimbs) {
  Ask(1);
  ASSERT_EQ(asks_.size(), 1U);
  EXPECT_EQ(asks_[0].to, kParent.id);
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{kFarEngine}));
}

TEST_F(LocateDeskTest, WhatNobodyHasIsKeptForAShorterTime) {
  Ask(1);
  Reply(0, AnswerOf({}, seconds(9)));
  EXPECT_TRUE(Answer(1).copies.empty());
  EXPECT_FALSE(Answer(1).partial());
  EXPECT_EQ(Answer(1).keep_for, seconds(1));
}

TEST_F(LocateDeskTest, ClimbsWhenThoseBelowHaveItNoMore) {
  local_.copies = {Copy("cdn/dc-one"), Copy("cdn/dc-two")};
  Ask(1);
  ASSERT_EQ(asks_.size(), 2U);
  Reply(1, AnswerOf({}));
  EXPECT_EQ(asks_.size(), 2U) << "the other may have it";
  Reply(0, AnswerOf({}));
  ASSERT_EQ(asks_.size(), 3U);
  EXPECT_EQ(asks_[2].to, kParent.id);
  Reply(2, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{kFarEngine}));
  EXPECT_FALSE(Answer(1).partial());
}

TEST_F(LocateDeskTest, ClimbsWhenNobodyHearsOfThoseWhoHaveIt) {
  LocatedCopy stale = kDcOneEngine;
  stale.stale = true;
  local_.copies = {stale};
  Ask(1);
  ASSERT_EQ(asks_.size(), 1U);
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{stale, kFarEngine}));
}

TEST_F(LocateDeskTest, TheParentIsNotAskedForItsOwnQuestion) {
  LocateQuestion question = Question();
  question.visited = {"other/lan", "other", "exchange"};
  Ask(1, kParent.id, question);
  EXPECT_TRUE(asks_.empty());
  EXPECT_TRUE(Answer(1).copies.empty());
  EXPECT_FALSE(Answer(1).partial());
}

TEST_F(LocateDeskTest, AChildIsNotAskedForItsOwnQuestion) {
  local_.copies = {kDcOneEngine, Copy("cdn/dc-one"), Copy("cdn/dc-two")};
  LocateQuestion question = Question();
  question.visited = {"cdn/dc-one/lan", "cdn/dc-one"};
  Ask(1, kDcOne.id, question);
  ASSERT_EQ(asks_.size(), 1U);
  EXPECT_EQ(asks_[0].to, kDcTwo.id);
  EXPECT_EQ(asks_[0].question.visited,
            (std::vector<std::string>{"cdn/dc-one/lan", "cdn/dc-one", "cdn"}));
}

TEST_F(LocateDeskTest, AsksSoManyChildrenAtOnce) {
  Restart({.children_at_once = 1});
  local_.copies = {Copy("cdn/dc-two"), Copy("cdn/dc-one")};
  Ask(1);
  ASSERT_EQ(asks_.size(), 1U);
  EXPECT_EQ(asks_[0].to, kDcOne.id);
  Reply(0, AnswerOf({kDcOneEngine}));
  ASSERT_EQ(asks_.size(), 2U);
  EXPECT_EQ(asks_[1].to, kDcTwo.id);
}

TEST_F(LocateDeskTest, TracesTheWay) {
  LocateQuestion question = Question();
  question.trace = true;
  Ask(1, kOwn, question);
  ASSERT_TRUE(asks_[0].question.trace);
  now_ += milliseconds(7);
  LocateAnswer answer = AnswerOf({kFarEngine});
  answer.trace = {{.scope = "exchange", .copies = 1, .took = milliseconds(5)}};
  Reply(0, answer);
  ASSERT_EQ(Answer(1).trace.size(), 2U);
  EXPECT_EQ(Answer(1).trace[0],
            (LocateHop{.scope = "cdn", .depth = 0, .copies = 1, .took = milliseconds(7)}));
  EXPECT_EQ(Answer(1).trace[1].round_trip, milliseconds(7));
}

// ---- Sharing.

TEST_F(LocateDeskTest, EqualQuestionsShareOneWay) {
  Ask(1);
  Ask(2, kDcOne.id);
  EXPECT_EQ(asks_.size(), 1U);
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, Answer(2).copies);
  EXPECT_EQ(desk_->counters().joined, 1U);
}

TEST_F(LocateDeskTest, OneWithMuchMoreTimeGoesAWayOfItsOwn) {
  Ask(1);
  LocateQuestion question = Question();
  question.time_left = seconds(5);
  Ask(2, kOwn, question);
  EXPECT_EQ(asks_.size(), 2U);
}

TEST_F(LocateDeskTest, AnswersAreGivenAgainAsLongAsTheySay) {
  Ask(1);
  now_ += milliseconds(50);
  Reply(0, AnswerOf({kFarEngine}, seconds(1)));
  now_ += milliseconds(900);
  Ask(2);
  EXPECT_EQ(asks_.size(), 1U);
  EXPECT_EQ(Answer(2).copies, (std::vector{kFarEngine}));
  EXPECT_EQ(Answer(2).keep_for, milliseconds(50)) << "what is left of it";
  now_ += milliseconds(50);
  Ask(3);
  EXPECT_EQ(asks_.size(), 2U);
}

TEST_F(LocateDeskTest, ATracedQuestionGoesTheWholeWay) {
  Ask(1);
  LocateQuestion question = Question();
  question.trace = true;
  Ask(2, kOwn, question);
  EXPECT_EQ(asks_.size(), 2U);
  Reply(0, AnswerOf({kFarEngine}));
  Ask(3, kOwn, question);
  EXPECT_EQ(asks_.size(), 3U);
}

TEST_F(LocateDeskTest, PartialAnswersAreNotGivenAgain) {
  Ask(1);
  LocateAnswer answer = AnswerOf({kFarEngine});
  answer.gaps = {{"other/dc", GapReason::kSilent}};
  Reply(0, answer);
  EXPECT_EQ(Gaps(1), answer.gaps);
  EXPECT_EQ(Answer(1).keep_for, seconds(0));
  Ask(2);
  EXPECT_EQ(asks_.size(), 2U);
}

// ---- Time.

TEST_F(LocateDeskTest, TheTimeThatIsLeftShrinks) {
  Ask(1);
  EXPECT_EQ(asks_[0].question.time_left, milliseconds(90));
  Ask(2, kOwn, [] {
    LocateQuestion question = Question();
    question.trace = true;
    question.time_left = milliseconds(5);
    return question;
  }());
  EXPECT_EQ(asks_[1].question.time_left, milliseconds(4)) << "at least one for the way back";
}

TEST_F(LocateDeskTest, WithoutTimeForAHopTheDirectoryIsTheAnswer) {
  LocateQuestion question = Question();
  question.time_left = Duration(1'999'999);
  Ask(1, kOwn, question);
  EXPECT_TRUE(asks_.empty());
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"exchange", GapReason::kNoTime}}));
}

TEST_F(LocateDeskTest, WhenTimeIsOverTheBestThereIsIsTheAnswer) {
  local_.copies = {kDcOneEngine, Copy("cdn/dc-one"), Copy("cdn/dc-two/lan")};
  Ask(1);
  ASSERT_EQ(asks_.size(), 2U);
  Reply(0, AnswerOf({kDcOneEngine}));
  EXPECT_EQ(desk_->NextDeadline(), now_ + milliseconds(100));
  Pass(milliseconds(99));
  EXPECT_FALSE(Answered(1));
  Pass(milliseconds(1));
  EXPECT_EQ(Answer(1).copies, (std::vector{kDcOneEngine, Copy("cdn/dc-two/lan")}));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-two", GapReason::kSilent}}));
  EXPECT_EQ(desk_->NextDeadline(), Timestamp::Never());
}

TEST_F(LocateDeskTest, SilentChildrenLeaveTimeToAskTheParent) {
  local_.copies = {Copy("cdn/dc-one")};
  Ask(1);
  Pass(milliseconds(50));
  ASSERT_EQ(asks_.size(), 2U);
  EXPECT_EQ(asks_[1].to, kParent.id);
  EXPECT_EQ(asks_[1].question.time_left, milliseconds(45));
  Reply(1, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{Copy("cdn/dc-one"), kFarEngine}));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kSilent}}));
}

TEST_F(LocateDeskTest, ChildrenThatWereNotReachedInTimeAreNamed) {
  Restart({.children_at_once = 1});
  local_.copies = {Copy("cdn/dc-two"), Copy("cdn/dc-one"), kDcOneEngine};
  Ask(1);
  Pass(milliseconds(100));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kSilent},
                                             {"cdn/dc-two", GapReason::kNoTime}}));
}

TEST_F(LocateDeskTest, AnswersThatComeTooLateAreCounted) {
  Ask(1);
  Pass(milliseconds(100));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"exchange", GapReason::kSilent}}));
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_EQ(desk_->counters().late, 1U);
  EXPECT_EQ(desk_->cache().size(), 0U);
}

TEST_F(LocateDeskTest, WhoJoinsWithLessTimeIsAnsweredInHisOwn) {
  Ask(1);
  LocateQuestion question = Question();
  question.time_left = milliseconds(20);
  Ask(2, kOwn, question);
  EXPECT_EQ(asks_.size(), 1U);
  Pass(milliseconds(20));
  EXPECT_TRUE(Answer(2).partial());
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{kFarEngine}));
}

// ---- Links.

TEST_F(LocateDeskTest, AChildWhoseLinkEndsIsNamedAtOnce) {
  local_.copies = {Copy("cdn/dc-one")};
  Ask(1);
  Disconnect(kDcOne);
  ASSERT_EQ(asks_.size(), 2U) << "the parent may know another";
  Reply(1, AnswerOf({}));
  EXPECT_EQ(Answer(1).copies, (std::vector{Copy("cdn/dc-one")}));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kLost}}));
}

TEST_F(LocateDeskTest, AChildThatWaitsForItsTurnMayBeGoneThen) {
  Restart({.children_at_once = 1});
  local_.copies = {Copy("cdn/dc-two"), Copy("cdn/dc-one"), kDcOneEngine};
  Ask(1);
  Disconnect(kDcTwo);
  Reply(0, AnswerOf({kDcOneEngine}));
  EXPECT_EQ(asks_.size(), 1U);
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-two", GapReason::kNoLink}}));
}

TEST_F(LocateDeskTest, WithoutItsParentAMissIsPartial) {
  Disconnect(kParent);
  Ask(1);
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn", GapReason::kNoParent}}));
  Restart({.has_parent = false});
  Disconnect(kParent);
  Ask(2);
  EXPECT_FALSE(Answer(2).partial()) << "there is none";
}

TEST_F(LocateDeskTest, ANewConnectionEndsTheOneBefore) {
  local_.copies = {Copy("cdn/dc-one")};
  Ask(1, kDcTwo.id);
  Ask(2);
  EXPECT_EQ(asks_.size(), 1U);
  desk_->OnChild({NeighbourId(9), "cdn/dc-two"}, now_);
  EXPECT_EQ(desk_->open_questions(), 1U) << "nobody is there to hear the first answer";
  desk_->OnChild({NeighbourId(10), "cdn/dc-one"}, now_);
  Drain();
  Reply(0, AnswerOf({kDcOneEngine}));
  EXPECT_EQ(desk_->counters().late, 1U);
  EXPECT_FALSE(Answered(1));
  desk_->OnParent({NeighbourId(11), "exchange"}, now_);
  Drain();
  EXPECT_EQ(Gaps(2), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kLost},
                                             {"exchange", GapReason::kLost}}));
}

TEST_F(LocateDeskTest, AnAnswerForAnAskerWhoIsGoneIsStillKept) {
  Ask(1);
  desk_->OnAskerGone(QuestionId(1));
  EXPECT_EQ(desk_->open_questions(), 0U);
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_FALSE(Answered(1));
  Ask(2);
  EXPECT_EQ(Answer(2).copies, (std::vector{kFarEngine}));
}

// ---- Purges.

TEST_F(LocateDeskTest, APurgeEndsWhatWasAnsweredBefore) {
  Ask(1);
  Reply(0, AnswerOf({kFarEngine}));
  Purge();
  Ask(2);
  EXPECT_EQ(asks_.size(), 2U);
}

TEST_F(LocateDeskTest, APurgeOnTheWayLetsNoOlderAnswerIn) {
  Ask(1);
  local_.purges = {.applied = 7, .purged = 7};
  Purge();
  ASSERT_EQ(asks_.size(), 2U) << "asked anew";
  EXPECT_EQ(asks_[0].question.purged, 0U);
  EXPECT_EQ(asks_[1].question.purged, 7U);
  Reply(0, AnswerOf({kFarEngine}));
  EXPECT_FALSE(Answered(1));
  EXPECT_EQ(desk_->cache().size(), 0U);
  EXPECT_EQ(desk_->counters().late, 1U);
  Reply(1, AnswerOf({}));
  EXPECT_TRUE(Answer(1).copies.empty());
  EXPECT_FALSE(Answer(1).partial());
}

TEST_F(LocateDeskTest, APurgeTakesBackWhatOthersHaveAnsweredSoFar) {
  local_.copies = {Copy("cdn/dc-one"), Copy("cdn/dc-two")};
  Ask(1);
  Reply(0, AnswerOf({kDcOneEngine}));
  local_.copies.clear();
  Purge();
  Reply(2, AnswerOf({}));
  EXPECT_EQ(asks_[2].to, kParent.id);
  EXPECT_TRUE(Answer(1).copies.empty());
}

TEST_F(LocateDeskTest, APurgeOfAllEndsWhatWasAnsweredAndAsksAnew) {
  Ask(1);
  Reply(0, AnswerOf({kFarEngine}));
  LocateQuestion other = Question();
  other.canonical_uri = "http://films.example/two";
  other.key = farm::KeyOf(other.canonical_uri);
  Ask(2, kOwn, other);
  desk_->OnPurgeOfAll(now_);
  Drain();
  EXPECT_EQ(desk_->cache().size(), 0U);
  ASSERT_EQ(asks_.size(), 3U) << "what was open is asked anew";
  Reply(1, AnswerOf({kFarEngine}));
  EXPECT_FALSE(Answered(2)) << "of before the purge";
  Reply(2, AnswerOf({}));
  EXPECT_TRUE(Answer(2).copies.empty());
}

TEST_F(LocateDeskTest, WhoHasNotAppliedThePurgeSaysNothing) {
  local_ = {.copies = {kDcOneEngine}, .purges = {.applied = 6, .purged = 3}};
  LocateQuestion question = Question();
  question.purged = 7;
  Ask(1, kDcTwo.id, question);
  EXPECT_TRUE(asks_.empty());
  EXPECT_TRUE(Answer(1).copies.empty());
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn", GapReason::kBehind}}));
  question.purged = 6;
  Ask(2, kDcTwo.id, question);
  EXPECT_EQ(Answer(2).copies, local_.copies);
}

TEST_F(LocateDeskTest, TheNewestPurgeThatIsKnownGoesOn) {
  local_.purges = {.applied = 9, .purged = 3};
  LocateQuestion question = Question();
  question.purged = 7;
  Ask(1, kDcTwo.id, question);
  EXPECT_EQ(asks_[0].question.purged, 7U) << "the asker's";
  local_.purges.purged = 8;
  Ask(2, kDcTwo.id, question);
  ASSERT_EQ(asks_.size(), 2U) << "the one before will not do";
  EXPECT_EQ(asks_[1].question.purged, 8U) << "the own";
}

TEST_F(LocateDeskTest, AContentThatIsPurgedAllTheTimeEndsItsQuestions) {
  Ask(1);
  for (uint32_t i = 0; i < kPurgesPerQuestionMax; ++i) Purge();
  EXPECT_FALSE(Answered(1));
  Purge();
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn", GapReason::kPurged}}));
  EXPECT_EQ(desk_->open_questions(), 0U);
}

// ---- Limits and hostile neighbours.

TEST_F(LocateDeskTest, AManagerThatWasVisitedSaysNothing) {
  local_.copies = {kDcOneEngine};
  LocateQuestion question = Question();
  question.visited = {"cdn", "exchange"};
  Ask(1, kParent.id, question);
  EXPECT_TRUE(Answer(1).copies.empty());
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn", GapReason::kVisited}}));
}

TEST_F(LocateDeskTest, AQuestionGoesSoFarAndNoFurther) {
  LocateQuestion question = Question();
  question.hops_left = 0;
  Ask(1, kOwn, question);
  EXPECT_TRUE(asks_.empty());
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"exchange", GapReason::kTooFar}}));
  question.hops_left = 3;
  question.visited.assign(kLocateHopsMax, "cdn/dc-one");
  Ask(2, kDcOne.id, question);
  EXPECT_EQ(Gaps(2), (std::vector<LocateGap>{{"exchange", GapReason::kTooFar}}));
}

TEST_F(LocateDeskTest, QuestionsOutOfBoundsAreRefused) {
  LocateQuestion question = Question();
  question.canonical_uri = "http://films.example/two";
  Ask(1, kDcOne.id, question);
  EXPECT_EQ(answers_.at(1).status().code(), StatusCode::kInvalidArgument);
  question = Question();
  question.visited = {"cdn/dc-two"};
  Ask(2, kDcOne.id, question);
  EXPECT_EQ(MessageOf(answers_.at(2).status()),
            "cdn/dc-one asks for cdn/dc-two, which does not lie below it");
  Ask(3, NeighbourId(99));
  EXPECT_EQ(MessageOf(answers_.at(3).status()), "the asker is not connected to cdn");
  EXPECT_EQ(desk_->counters().refused, 3U);
}

TEST_F(LocateDeskTest, TooManyQuestionsAreRefused) {
  Restart({.questions_max = 3, .questions_per_asker_max = 2});
  Ask(1, kDcOne.id);
  Ask(2, kDcOne.id);
  Ask(3, kDcOne.id);
  EXPECT_EQ(MessageOf(answers_.at(3).status()),
            "cdn has 2 questions of one asker open, it takes no more");
  Ask(4);
  Ask(5);
  EXPECT_EQ(MessageOf(answers_.at(5).status()), "cdn has 3 questions open, it takes no more");
  EXPECT_EQ(answers_.at(5).status().code(), StatusCode::kResourceExhausted);
  Reply(0, AnswerOf({}));
  EXPECT_EQ(desk_->open_questions(), 0U);
}

TEST_F(LocateDeskTest, ANeighbourIsAskedForSoManyAtATime) {
  Restart({.asks_per_neighbour_max = 1});
  LocateQuestion question = Question();
  question.trace = true;
  Ask(1, kOwn, question);
  Ask(2, kOwn, question);
  EXPECT_EQ(Gaps(2), (std::vector<LocateGap>{{"exchange", GapReason::kBusy}}));
}

TEST_F(LocateDeskTest, RefusalsAreGaps) {
  local_.copies = {Copy("cdn/dc-one"), Copy("cdn/dc-two"), kDcOneEngine};
  Ask(1);
  Reply(0, ResourceExhausted("too many"));
  Reply(1, InvalidArgument("no"));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kBusy},
                                             {"cdn/dc-two", GapReason::kRefused}}));
  EXPECT_EQ(Answer(1).copies.size(), 3U) << "they may have it all the same";
}

TEST_F(LocateDeskTest, WhoCannotBeReachedIsNotWhoRefuses) {
  local_.copies = {Copy("cdn/dc-one"), Copy("cdn/dc-two"), kDcOneEngine};
  Ask(1);
  Reply(0, Unavailable("no manager answers"));
  Reply(1, DeadlineExceeded("too late"));
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kLost},
                                             {"cdn/dc-two", GapReason::kSilent}}));
  EXPECT_EQ(desk_->counters().silent, 1U);
  Reply(1, DeadlineExceeded("too late"));
  EXPECT_EQ(desk_->counters().late, 0U) << "only an answer can be late";
}

TEST_F(LocateDeskTest, AChildSpeaksForItsOwnScopeOnly) {
  local_.copies = {Copy("cdn/dc-one"), Copy("cdn/dc-two"), kDcOneEngine};
  Ask(1);
  Reply(0, AnswerOf({Copy("cdn/dc-two/lan", "e")}));
  LocateAnswer wrong;
  wrong.keep_for = seconds(-1);
  Reply(1, wrong);
  EXPECT_EQ(Gaps(1), (std::vector<LocateGap>{{"cdn/dc-one", GapReason::kRefused},
                                             {"cdn/dc-two", GapReason::kRefused}}));
  EXPECT_EQ(desk_->counters().wrong, 2U);
  EXPECT_EQ(desk_->cache().size(), 0U);
}

TEST_F(LocateDeskTest, TheParentKnowsNothingBetterOfThisScope) {
  Ask(1);
  Reply(0, AnswerOf({kDcOneEngine, kFarEngine}));
  EXPECT_EQ(Answer(1).copies, (std::vector{kFarEngine}));
}

TEST_F(LocateDeskTest, OnlyWhoWasAskedAnswersAndOnce) {
  Ask(1);
  desk_->OnAnswer(kDcOne.id, asks_[0].number, AnswerOf({}), now_);
  Drain();
  EXPECT_FALSE(Answered(1));
  Reply(0, AnswerOf({}));
  Reply(0, AnswerOf({}));
  EXPECT_EQ(desk_->counters().late, 2U);
}

}  // namespace
}  // namespace strata::manager::federation
