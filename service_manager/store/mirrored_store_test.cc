#include "service_manager/store/mirrored_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "service_manager/store/rocks_store.h"

namespace strata::manager::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A manager's disk and the mirror on it.
class Manager {
 public:
  explicit Manager(const std::string& name, Duration wait = milliseconds(200))
      : wait_(wait),
        folder_(testing::TempDir() + "/mirror_" + name + "_" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    Start();
  }
  ~Manager() {
    store_.reset();
    own_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Start() {
    store_.reset();
    own_.reset();
    auto own = RocksStore::Open({.folder = folder_});
    EXPECT_TRUE(own.ok()) << MessageOf(own.status());
    own_ = *std::move(own);
    auto store = MirroredStore::Open(*own_, wait_);
    EXPECT_TRUE(store.ok());
    store_ = *std::move(store);
  }
  MirroredStore* operator->() { return store_.get(); }
  MirroredStore& operator*() { return *store_; }

 private:
  const Duration wait_;
  const std::string folder_;
  std::unique_ptr<RocksStore> own_;
  std::unique_ptr<MirroredStore> store_;
};

IntentBatch Site(const std::string& name, const std::string& value) {
  return {.puts = {{"sites", name, value}}};
}

// Gives a follower all that its feed has for it, as a stream between managers does.
void Drain(MirroredStore::Feed& feed, MirroredStore& follower) {
  while (true) {
    const auto next = feed.Next(milliseconds(0));
    if (!next.ok()) {
      EXPECT_EQ(next.status().code(), StatusCode::kDeadlineExceeded) << MessageOf(next.status());
      return;
    }
    const Status taken = std::visit([&](const auto& it) { return follower.Take(it); }, *next);
    ASSERT_TRUE(taken.ok()) << MessageOf(taken);
    feed.Acknowledge(follower.position().number);
  }
}

std::unique_ptr<MirroredStore::Feed> Attach(Manager& leader, Manager& follower) {
  auto feed = leader->Attach("b", follower->position());
  EXPECT_TRUE(feed.ok()) << MessageOf(feed.status());
  return feed.ok() ? *std::move(feed) : nullptr;
}

// Manager a leads, and b has all that it has.
class InStepTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(a->Lead(1).ok());
    feed = Attach(a, b);
    ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  }

  Manager a{"a"};
  Manager b{"b"};
  std::unique_ptr<MirroredStore::Feed> feed;
};

bool StartsWithACopy(MirroredStore::Feed& feed) {
  const auto next = feed.Next(milliseconds(0));
  EXPECT_TRUE(next.ok());
  return next.ok() && std::holds_alternative<MirroredStore::Copy>(*next);
}

TEST(MirroredStoreTest, WritesOnlyWhileItLeads) {
  Manager a("a");
  EXPECT_EQ(a->Commit(Site("films", "1")).status().code(), StatusCode::kUnavailable);
  ASSERT_TRUE(a->Lead(7).ok());
  EXPECT_TRUE(a->Commit(Site("films", "1")).ok());
  EXPECT_EQ(ToString(a->position()), "7.2");
  a->Follow();
  EXPECT_EQ(a->Commit(Site("films", "2")).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(*a->Get("sites", "films"), "1");
}

TEST(MirroredStoreTest, RemembersItsPositionAndLeadsAboveIt) {
  Manager a("a");
  ASSERT_TRUE(a->Lead(7).ok());
  ASSERT_TRUE(a->Commit(Site("films", "1")).ok());
  a.Start();
  EXPECT_EQ(ToString(a->position()), "7.2");
  ASSERT_TRUE(a->Lead(3).ok());
  EXPECT_EQ(ToString(a->position()), "8.3");
}

TEST(MirroredStoreTest, AFollowerGetsACopyAndThenWhatComes) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  ASSERT_TRUE(a->Commit({.appends = {{"audit", "one"}}}).ok());
  const auto feed = Attach(a, b);
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  EXPECT_EQ(b->position(), a->position());
  std::thread order([&a] {
    const auto positions = a->Commit({.appends = {{"audit", "two"}}});
    EXPECT_TRUE(positions.ok());
  });
  const auto next = feed->Next(seconds(10));
  ASSERT_TRUE(next.ok());
  ASSERT_TRUE(b->Take(std::get<MirroredStore::Entry>(*next)).ok());
  feed->Acknowledge(b->position().number);
  order.join();
  std::vector<std::string> audit;
  ASSERT_TRUE(b->VisitLog("audit", 1, [&audit](uint64_t position, std::string_view record) {
                 audit.push_back(std::to_string(position) + std::string(record));
                 return true;
               }).ok());
  EXPECT_EQ(audit, (std::vector<std::string>{"1one", "2two"}));
}

TEST(MirroredStoreTest, LocationsAndPositionsOfFeedsAreEachStoresOwn) {
  Manager leader("a");
  Manager follower("b");
  ASSERT_TRUE(leader->Lead(1).ok());
  const auto feed = Attach(leader, follower);
  LocationBatch batch;
  batch.stored.push_back({.key = {1, 2}, .location = {.holder = directory::Holder(7)}});
  batch.positions.push_back({.child = "cdn-one", .epoch = 1, .sequence = 2});
  ASSERT_TRUE(leader->Apply(batch).ok());
  Drain(*feed, *follower);
  EXPECT_TRUE(follower->ChildPositions()->empty());
  ASSERT_TRUE(follower->Apply(batch).ok());
  EXPECT_EQ(*follower->ChildPositions(), batch.positions);
  size_t seen = 0;
  const auto visited = follower->VisitContents({}, {1, 2}, [&seen](const ContentView& content) {
    seen += content.locations.size();
    return true;
  });
  EXPECT_TRUE(visited.ok());
  EXPECT_EQ(seen, 1u);
}

TEST(MirroredStoreTest, WhatARequiredManagerDoesNotHaveIsNotAcknowledged) {
  Manager a("a");
  ASSERT_TRUE(a->Lead(1).ok());
  a->Require({"b"});
  const auto written = a->Commit(Site("films", "1"));
  EXPECT_EQ(written.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(written.status()).find("manager b"), std::string::npos);
  EXPECT_EQ(a->Behind(), std::vector<std::string>{"b"});
  EXPECT_TRUE(a->TakeUnacknowledged());
  EXPECT_FALSE(a->TakeUnacknowledged());
  a->Require({});
  EXPECT_TRUE(a->Commit(Site("films", "2")).ok());
}

TEST(MirroredStoreTest, WhoEndsWaitsForNobodyAndAcknowledgesNothing) {
  Manager a("a", std::chrono::hours(1));
  ASSERT_TRUE(a->Lead(1).ok());
  a->Require({"b"});
  std::thread later([&a] { a->GiveUp(); });
  const auto written = a->Commit(Site("films", "1"));
  later.join();
  EXPECT_EQ(written.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(written.status()).find("ends"), std::string::npos);
  EXPECT_FALSE(a->Commit(Site("films", "2")).ok());
}

TEST(MirroredStoreTest, ACandidateIsWaitedForFromWhenItIsInStep) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  auto feed = Attach(a, b);
  a->Require({}, {"b"});
  EXPECT_FALSE(feed->Counts());
  EXPECT_TRUE(a->Commit(Site("films", "1")).ok()) << "it has nothing yet";
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  EXPECT_TRUE(feed->InStep());
  EXPECT_TRUE(a->Commit(Site("films", "2")).ok()) << "it was not told that it counts";
  EXPECT_FALSE(feed->Counts()) << "it lacks the second";
  EXPECT_EQ(a->Commit(Site("films", "3")).status().code(), StatusCode::kUnavailable);
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  EXPECT_TRUE(feed->Counts());
  feed.reset();
  a->Require({}, {"b"});
  EXPECT_EQ(a->Commit(Site("films", "4")).status().code(), StatusCode::kUnavailable)
      << "it was told that it counts";
  a->Require({}, {});
  EXPECT_TRUE(a->Commit(Site("films", "5")).ok());
}

TEST(MirroredStoreTest, WhoIsNeitherRequiredNorACandidateIsNotWaitedFor) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  auto feed = Attach(a, b);
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  EXPECT_TRUE(a->Commit(Site("films", "1")).ok());
  EXPECT_FALSE(feed->Counts());
}

TEST(MirroredStoreTest, WhoWasRequiredAndStartsAnewAsACandidateIsNotWaitedForAtFirst) {
  Manager a("a");
  ASSERT_TRUE(a->Lead(1).ok());
  a->Require({"b"});
  a->Require({}, {"b"});
  EXPECT_TRUE(a->Commit(Site("films", "1")).ok());
}

TEST_F(InStepTest, TheLeadIsOfferedToWhoMayTakeOverAndAtOnce) {
  EXPECT_FALSE(a->OfferLead("b")) << "it may lack something";
  EXPECT_FALSE(a->MayTakeOver("b"));
  a->Require({"b", "c"});
  EXPECT_FALSE(a->OfferLead("c")) << "it does not follow";
  EXPECT_FALSE(feed->OffersLead());
  EXPECT_TRUE(a->MayTakeOver("b"));
  ASSERT_TRUE(a->OfferLead("b"));
  ASSERT_TRUE(a->OfferLead("b"));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(feed->Next(seconds(60)).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(30));
  EXPECT_TRUE(feed->OffersLead());
  a->Follow();
  EXPECT_FALSE(a->OfferLead("b"));
}

TEST_F(InStepTest, AFollowerGetsAllThatThereIsBeforeTheOffer) {
  a->Require({"b"});
  EXPECT_FALSE(a->Commit(Site("films", "1")).ok()) << "nobody acknowledges it";
  ASSERT_TRUE(a->OfferLead("b"));
  EXPECT_TRUE(feed->Next(milliseconds(0)).ok());
  EXPECT_EQ(feed->Next(seconds(60)).status().code(), StatusCode::kDeadlineExceeded);
}

TEST_F(InStepTest, AFollowerThatComesBackInTheTermGetsOnlyWhatItMissed) {
  feed.reset();
  ASSERT_TRUE(a->Commit(Site("films", "1")).ok());
  feed = Attach(a, b);
  EXPECT_FALSE(StartsWithACopy(*feed));
  feed = Attach(a, b);
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *b));
  EXPECT_EQ(*b->Get("sites", "films"), "1");
}

TEST_F(InStepTest, WhatWasNeverAcknowledgedIsGoneWhenAnotherLed) {
  a->Require({"b"});
  EXPECT_FALSE(a->Commit(Site("films", "unknown")).ok());
  feed.reset();
  a.Start();
  ASSERT_TRUE(b->Lead(2).ok());
  ASSERT_TRUE(b->Commit(Site("films", "b's")).ok());
  feed = Attach(b, a);
  ASSERT_NO_FATAL_FAILURE(Drain(*feed, *a));
  EXPECT_EQ(*a->Get("sites", "films"), "b's");
  EXPECT_EQ(a->position(), b->position());
}

TEST_F(InStepTest, AFollowerThatHadAllGoesOnWithTheNextLeader) {
  feed.reset();
  a->Follow();
  ASSERT_TRUE(b->Lead(2).ok());
  feed = Attach(b, a);
  EXPECT_FALSE(StartsWithACopy(*feed));
}

TEST(MirroredStoreTest, AFeedEndsWhenItsLeaderDoesNotLeadOrAnotherTakesItsPlace) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  const auto first = Attach(a, b);
  ASSERT_NO_FATAL_FAILURE(Drain(*first, *b));
  const auto second = Attach(a, b);
  EXPECT_EQ(first->Next(seconds(10)).status().code(), StatusCode::kFailedPrecondition);
  a->Follow();
  EXPECT_EQ(second->Next(seconds(10)).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(a->Attach("b", b->position()).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(InStepTest, AFollowerTakesNothingOutOfOrder) {
  const MirrorPosition here = b->position();
  EXPECT_EQ(b->Take(MirroredStore::Entry{{1, here.number + 2}, Site("x", "1")}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(b->Take(MirroredStore::Entry{{0, here.number + 1}, Site("x", "1")}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(*b->Get("sites", "x"), std::nullopt);
}

TEST(MirroredStoreTest, AFollowerBelievesNoLeaderOfAnEarlierTerm) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  ASSERT_TRUE(b->Lead(2).ok());
  ASSERT_TRUE(b->Commit(Site("films", "b's")).ok());
  b->Follow();
  EXPECT_EQ(a->Attach("b", b->position()).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(b->Take(MirroredStore::Copy{a->position(), {}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*b->Get("sites", "films"), "b's");
}

TEST(MirroredStoreTest, AnAcknowledgementOfWhatWasNotSentCountsForNothing) {
  Manager a("a");
  Manager b("b");
  ASSERT_TRUE(a->Lead(1).ok());
  a->Require({"b"});
  const auto feed = Attach(a, b);
  feed->Acknowledge(1'000);
  EXPECT_EQ(a->Behind(), std::vector<std::string>{"b"});
}

}  // namespace
}  // namespace strata::manager::store
