#include "service_manager/sites/report_book.h"

#include <gtest/gtest.h>

#include <optional>

#include "common/tls/identity.h"

namespace strata::manager::sites {
namespace {

using Kind = ScopeOutcome::Kind;

constexpr char kOwn[] = "cdn-one/dc-one";
constexpr char kLan[] = "cdn-one/dc-one/lan-a";
const MayHoldAt kEverybody = [](const std::string&) { return true; };

SiteRow RowAt(const std::string& scope, uint64_t version, uint64_t position) {
  return {.site = "films",
          .scope = scope,
          .state = {"cdn-one", version, position},
          .engines = tls::ScopeCovers(kLan, scope) ? 2U : 0U,
          .serving = 2,
          .applied = 2,
          .all_up_to = position};
}
SiteRow RowBehind(uint64_t position, EngineRow engine) {
  SiteRow row = RowAt(kLan, 1, position);
  row.applied = 1;
  if (!engine.away) row.all_up_to = engine.applied;
  row.behind = {std::move(engine)};
  return row;
}

class ReportBookTest : public ::testing::Test {
 protected:
  // With the site, its log at this position.
  void Connect(uint64_t position = 0) {
    book_.SetOwn(RowAt(kOwn, 1, position), kEverybody);
    book_.Connected(kLan, 1);
  }
  void Tell(SiteRow row) {
    const Status taken = book_.Take(kLan, {.rows = {std::move(row)}, .gone = {}, .scopes = {}});
    EXPECT_TRUE(taken.ok()) << ToString(taken);
  }
  ScopeOutcome Outcome(uint64_t position) {
    const auto all = book_.OutcomeOf("films", position);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? ScopeOutcome() : all.front();
  }
  std::vector<std::string> TakeRows() {
    std::vector<std::string> rows;
    for (const SiteRow& row : book_.TakeChanges(100).rows) rows.push_back(row.scope);
    return rows;
  }

  ReportBook book_{kOwn};
};

TEST_F(ReportBookTest, TellsTheParentWhatItsSitesAreHere) {
  book_.SetOwn(RowAt(kOwn, 1, 0), kEverybody);
  SiteRow local = RowAt(kOwn, 1, 0);
  local.site = "local";
  local.state.home = kOwn;
  book_.SetOwn(local, kEverybody);
  EXPECT_EQ(TakeRows(), std::vector<std::string>{kOwn}) << "not of a site of this home";
  book_.SetOwn(RowAt(kOwn, 1, 0), kEverybody);
  EXPECT_FALSE(book_.has_changes()) << "nothing is new";
  book_.SetOwn(RowAt(kOwn, 2, 0), kEverybody);
  EXPECT_TRUE(book_.has_changes());
  book_.TellAnew();
  EXPECT_EQ(TakeRows(), std::vector<std::string>{kOwn});
  book_.RemoveOwn("films");
  EXPECT_EQ(book_.TakeChanges(100).gone.size(), 1U);
}

TEST_F(ReportBookTest, TellsOnWhatChildrenTell) {
  Connect();
  Tell(RowAt(kLan, 1, 5));
  const RowChanges changes = book_.TakeChanges(100);
  ASSERT_EQ(changes.rows.size(), 2U);
  EXPECT_EQ(changes.rows.back(), RowAt(kLan, 1, 5));
  ASSERT_EQ(changes.scopes.size(), 1U);
  EXPECT_TRUE(changes.scopes.front().heard);
  book_.Lost(kLan);
  const RowChanges lost = book_.TakeChanges(100);
  ASSERT_EQ(lost.scopes.size(), 1U);
  EXPECT_FALSE(lost.scopes.front().heard);
  EXPECT_EQ(book_.RowsOf("films").size(), 2U) << "what it said last";
}

TEST_F(ReportBookTest, AChildSpeaksForItsSubtreeOnly) {
  Connect();
  EXPECT_EQ(book_.Take(kLan, {.rows = {RowAt("cdn-one/dc-two", 1, 5)}}).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(book_.Take(kLan, {.gone = {{"films", kOwn}}}).code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(book_.Take(kLan, {.scopes = {{.scope = kOwn, .level = 2}}}).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(book_.Take(kLan, {.scopes = {{.scope = kLan, .level = 1}}}).code(),
            StatusCode::kPermissionDenied)
      << "of the link itself this end knows more";
}

TEST_F(ReportBookTest, APurgeWaitsForAllEnginesThatAreThere) {
  Connect();
  EXPECT_EQ(Outcome(5).kind, Kind::kWaits) << "nothing was heard yet";
  Tell(RowAt(kLan, 1, 4));
  EXPECT_EQ(Outcome(5).kind, Kind::kWaits);
  Tell(RowBehind(5, {.name = "north", .applied = 4}));
  EXPECT_EQ(Outcome(5).kind, Kind::kWaits);
  EXPECT_EQ(Outcome(5).confirmed, 1U);
  EXPECT_EQ(Outcome(4).kind, Kind::kConfirmed);
  Tell(RowAt(kLan, 1, 5));
  EXPECT_EQ(Outcome(5).kind, Kind::kConfirmed);
  EXPECT_EQ(Outcome(5).confirmed, 2U);
}

TEST_F(ReportBookTest, WhoCouldNotOrIsAwayIsToldApart) {
  Connect();
  Tell(RowBehind(5, {.name = "north", .applied = 4, .problem_at = 5, .problem = "disk full"}));
  EXPECT_EQ(Outcome(5).kind, Kind::kFailed);
  EXPECT_EQ(Outcome(5).others.front().problem, "disk full");
  EXPECT_EQ(Outcome(6).kind, Kind::kWaits) << "that was of an earlier entry";
  Tell(RowBehind(5, {.name = "north", .away = true, .applied = 4}));
  EXPECT_EQ(Outcome(5).kind, Kind::kWaits) << "it may serve for a moment yet";
  Tell(RowBehind(5, {.name = "north", .away = true, .closed = true, .applied = 4}));
  EXPECT_EQ(Outcome(5).kind, Kind::kUnreachable);
  EXPECT_EQ(Outcome(5).confirmed, 1U);
  book_.Lost(kLan);
  EXPECT_EQ(Outcome(5).kind, Kind::kUnreachable);
  EXPECT_FALSE(Outcome(5).problem.empty());
  EXPECT_EQ(Outcome(4).kind, Kind::kConfirmed) << "that it had said before";
}

TEST_F(ReportBookTest, AManagerThatDoesNotTakeTheSiteIsTold) {
  Connect();
  SiteRow refused = RowAt(kLan, 0, 0);
  refused.problem = "host films.example belongs to site local";
  Tell(refused);
  EXPECT_EQ(Outcome(5).kind, Kind::kFailed);
  EXPECT_EQ(Outcome(5).problem, refused.problem);
}

TEST_F(ReportBookTest, AScopeThatMayNotHoldItIsNotAsked) {
  book_.SetOwn(RowAt(kOwn, 1, 5), [](const std::string&) { return false; });
  book_.Connected(kLan, 1);
  EXPECT_TRUE(book_.OutcomeOf("films", 5).empty());
}

TEST_F(ReportBookTest, AChildKnownFromBeforeIsUnreachable) {
  book_.SetOwn(RowAt(kOwn, 1, 0), kEverybody);
  book_.Know(kLan, 1);
  EXPECT_EQ(Outcome(5).kind, Kind::kUnreachable);
  EXPECT_FALSE(book_.CaughtUp(kLan));
  Connect();
  EXPECT_TRUE(book_.CaughtUp(kLan));
  book_.Know(kLan, 1);
  EXPECT_TRUE(book_.CaughtUp(kLan)) << "it is there already";
}

// ---- Catching up.

TEST_F(ReportBookTest, NobodyIsSentToAChildThatMissedAPurge) {
  Connect(5);
  EXPECT_FALSE(book_.CaughtUp(kLan));
  Tell(RowBehind(5, {.name = "north", .applied = 4}));
  EXPECT_FALSE(book_.CaughtUp(kLan)) << "an engine has not applied it";
  Tell(RowAt(kLan, 1, 5));
  EXPECT_TRUE(book_.CaughtUp(kLan));
  Tell(RowBehind(6, {.name = "north", .applied = 5}));
  EXPECT_TRUE(book_.CaughtUp(kLan)) << "what comes now it hears as the others do";
  book_.Lost(kLan);
  EXPECT_FALSE(book_.CaughtUp(kLan));
}

TEST_F(ReportBookTest, KnowsWhereAPurgeWasMissed) {
  const ScopesOfSites missed = {{"films", {kLan}}};
  Connect(5);
  EXPECT_EQ(book_.Unpurged(), missed) << "nothing is known of it yet";
  Tell(RowBehind(5, {.name = "north", .applied = 4}));
  EXPECT_EQ(book_.Unpurged(), missed);
  Tell(RowAt(kLan, 1, 5));
  EXPECT_TRUE(book_.Unpurged().empty());
  book_.SetOwn(RowAt(kOwn, 1, 6), kEverybody);
  EXPECT_TRUE(book_.Unpurged().empty()) << "it hears of it";
  Tell(RowAt(kLan, 1, 6));
  book_.Lost(kLan);
  EXPECT_TRUE(book_.Unpurged().empty()) << "it has missed none";
  book_.SetOwn(RowAt(kOwn, 1, 7), kEverybody);
  EXPECT_EQ(book_.Unpurged(), missed);
  book_.SetOwn(RowAt(kOwn, 2, 7), [](const std::string&) { return false; });
  EXPECT_TRUE(book_.Unpurged().empty()) << "it is not for it";
}

TEST_F(ReportBookTest, OfWhomNothingWasHeardNothingIsSaid) {
  book_.SetOwn(RowAt(kOwn, 1, 5), kEverybody);
  book_.Know(kLan, 1);
  EXPECT_TRUE(book_.Unpurged().empty());
}

TEST_F(ReportBookTest, WhatIsNotForAScopeItNeedNotApply) {
  Connect(5);
  ASSERT_FALSE(book_.CaughtUp(kLan));
  book_.SetOwn(RowAt(kOwn, 2, 5), [](const std::string&) { return false; });
  EXPECT_TRUE(book_.CaughtUp(kLan));
  book_.SetOwn(RowAt(kOwn, 3, 5), kEverybody);
  EXPECT_FALSE(book_.CaughtUp(kLan)) << "it may never have heard that it was not for it";
  book_.RemoveOwn("films");
  EXPECT_TRUE(book_.CaughtUp(kLan));
  book_.SetOwn(RowAt(kOwn, 4, 5), kEverybody);
  EXPECT_FALSE(book_.CaughtUp(kLan));
  SiteRow other = RowAt(kOwn, 1, 1);
  other.state.home = "exchange";
  book_.SetOwn(other, kEverybody);
  EXPECT_TRUE(book_.CaughtUp(kLan)) << "another site of that name has another log";
}

TEST_F(ReportBookTest, WhereTheSiteIsNotTakenNobodyWaitsForItsLog) {
  ReportBook top("cdn-one");
  top.SetOwn(RowAt("cdn-one", 1, 5), kEverybody);
  top.Connected(kOwn, 2);
  const ScopeRow lan{.scope = kLan, .level = 1, .heard = true, .caught_up = true};
  ASSERT_TRUE(top.Take(kOwn, {.scopes = {lan}}).ok());
  EXPECT_FALSE(top.CaughtUp(kLan));
  SiteRow refused = RowAt(kOwn, 0, 0);
  refused.problem = "host films.example belongs to site local";
  ASSERT_TRUE(top.Take(kOwn, {.rows = {refused}}).ok());
  EXPECT_TRUE(top.CaughtUp(kOwn));
  EXPECT_TRUE(top.CaughtUp(kLan));
  ScopeRow late = lan;
  late.scope = "cdn-one/dc-one/lan-b";
  ASSERT_TRUE(top.Take(kOwn, {.scopes = {late}}).ok());
  EXPECT_TRUE(top.CaughtUp(late.scope));
}

TEST_F(ReportBookTest, AScopeFurtherDownHasToCatchUpToo) {
  ReportBook top("cdn-one");
  top.SetOwn(RowAt("cdn-one", 1, 5), kEverybody);
  top.Connected(kOwn, 2);
  ASSERT_TRUE(top.Take(kOwn, {.rows = {RowAt(kOwn, 1, 5)},
                              .gone = {},
                              .scopes = {{.scope = kLan, .level = 1, .heard = true}}})
                  .ok());
  EXPECT_TRUE(top.CaughtUp(kOwn));
  EXPECT_FALSE(top.CaughtUp(kLan));
  const ScopeRow caught_up{.scope = kLan, .level = 1, .heard = true, .caught_up = true};
  ASSERT_TRUE(top.Take(kOwn, {.scopes = {caught_up}}).ok());
  EXPECT_FALSE(top.CaughtUp(kLan)) << "by what its parent knows, which was cut off itself";
  ASSERT_TRUE(top.Take(kOwn, {.rows = {RowAt(kLan, 1, 5)}}).ok());
  EXPECT_TRUE(top.CaughtUp(kLan));
}

}  // namespace
}  // namespace strata::manager::sites
