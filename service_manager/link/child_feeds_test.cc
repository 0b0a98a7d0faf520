#include "service_manager/link/child_feeds.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/address.h"
#include "common/random.h"
#include "farm/content_identity.h"
#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/store/load_index.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::link {
namespace {

using directory::Holder;
using federation::HolderName;

constexpr char kOwn[] = "cdn-one";
constexpr char kFarm[] = "cdn-one/lan-a";
const HolderName kNorth{kFarm, "north-1"};
const HolderName kSouth{kFarm, "south-1"};

std::string UriOf(int content) { return "http://films.example/" + std::to_string(content); }
farm::ContentKey KeyOf(int content) { return farm::KeyOf(UriOf(content)); }

// Who tells by a feed, from the begin of an epoch: a child, or the manager that leads.
class Teller {
 public:
  explicit Teller(uint64_t epoch) : sender_({.epoch = epoch}, {}) {}

  void Introduce(Holder number, const HolderName& name, std::vector<Endpoint> clients = {}) {
    ASSERT_TRUE(sender_.SetHolder({.holder = number, .name = name, .clients = clients}).ok());
  }
  void Put(int content, Holder holder) {
    const std::string uri = UriOf(content);
    sender_.Tell({.key = KeyOf(content),
                  .holder = holder,
                  .copy = federation::FeedCopy{.flags = directory::kComplete, .size_bytes = 100},
                  .uri = uri},
                 std::nullopt, now_);
  }
  // Begins a stream, which compares. What was put before is known as told, and is not told.
  Status Begin(ChildFeeds& feeds, const std::string& child) {
    STRATA_ASSIGN_OR_RETURN(const auto welcome, feeds.Connect(child, sender_.greeting()));
    STRATA_RETURN_IF_ERROR(sender_.Connected(welcome, now_));
    return Go(feeds, child);
  }
  // Tells what was put since.
  Status Go(ChildFeeds& feeds, const std::string& child) {
    now_ += std::chrono::seconds(1);
    Bytes batch;
    while (sender_.NextBatch(now_, batch)) {
      STRATA_RETURN_IF_ERROR(feeds.Take(child, batch));
      batch.clear();
      const ChildFeeds::Answers answers = feeds.AnswersFor(child);
      for (const auto& comparison : answers.comparisons) {
        differing_ += comparison.differing.size();
      }
    }
    return Ok();
  }
  size_t differing() const { return differing_; }  // Ranges that were found so.

 private:
  federation::FeedSender sender_;
  Timestamp now_;
  size_t differing_ = 0;
};

class ChildFeedsTest : public ::testing::Test {
 protected:
  ChildFeedsTest() {
    std::filesystem::remove_all(folder_);
    Open();
  }
  ~ChildFeedsTest() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Close() {
    feeds_.reset();
    holders_.reset();
    index_.reset();
    store_.reset();
  }
  // As a manager that starts.
  void Open() {
    Close();
    store_ = *store::RocksStore::Open({.folder = folder_});
    index_ = std::make_unique<directory::LocationIndex>(random_);
    ASSERT_TRUE(store::LoadIndex(*store_, *index_).ok());
    holders_ = std::make_unique<control::HolderBook>(*store_);
    ASSERT_TRUE(holders_->Load().ok());
    feeds_ = *ChildFeeds::Open(kOwn, *index_, *store_, *holders_);
  }
  // A child does, while this manager leads.
  void TellOneCopy() {
    Teller child(3);
    ASSERT_TRUE(child.Begin(*feeds_, kFarm).ok());
    child.Introduce(Holder(1), kNorth);
    child.Put(1, Holder(1));
    ASSERT_TRUE(child.Go(*feeds_, kFarm).ok());
    feeds_->Disconnect(kFarm);
    ASSERT_EQ(index_->locations(), 1U);
  }
  // As the manager that leads does, whose intent comes by the mirror.
  Holder EnrollElsewhere(const HolderName& name, std::vector<Endpoint> clients = {}) {
    control::HolderBook leaders(*store_);
    EXPECT_TRUE(leaders.Load().ok());
    const std::vector<control::HolderBook::Told> told = {{name, std::move(clients)}};
    return leaders.Enroll(kFarm, told)->front();
  }
  std::vector<std::string> Positions() {
    std::vector<std::string> children;
    const auto positions = store_->ChildPositions();
    EXPECT_TRUE(positions.ok());
    for (const store::ChildPosition& position : *positions) children.push_back(position.child);
    return children;
  }
  std::vector<Holder> HoldersOf(int content) {
    std::vector<directory::Location> found(8);
    found.resize(index_->Find(KeyOf(content), found));
    std::vector<Holder> holders;
    for (const directory::Location& location : found) holders.push_back(location.holder);
    return holders;
  }

  const std::string folder_ = testing::TempDir() + "/child_feeds";
  SeededRandom random_{1};
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<directory::LocationIndex> index_;
  std::unique_ptr<control::HolderBook> holders_;
  std::unique_ptr<ChildFeeds> feeds_;
};

TEST_F(ChildFeedsTest, ABackupTakesCopiesByTheNumbersOfWhoLeads) {
  EnrollElsewhere(kSouth);
  const Holder north = EnrollElsewhere(kNorth);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  leader.Introduce(north, kNorth);
  leader.Put(1, north);
  ASSERT_TRUE(leader.Go(*feeds_, kOwn).ok());
  EXPECT_EQ(HoldersOf(1), std::vector{north});
  EXPECT_EQ(Positions(), std::vector<std::string>{kOwn});
}

TEST_F(ChildFeedsTest, ABackupWaitsForANumberThatIsOnItsWay) {
  const Holder number(control::kHolderNumberFirst);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  leader.Introduce(number, kNorth);
  leader.Put(1, number);
  std::thread mirror([this] { EnrollElsewhere(kNorth); });
  const Status told = leader.Go(*feeds_, kOwn);
  mirror.join();
  ASSERT_TRUE(told.ok()) << ToString(told);
  EXPECT_EQ(HoldersOf(1), std::vector{number});
}

TEST_F(ChildFeedsTest, ABackupHearsOfOtherAddresses) {
  const Holder north = EnrollElsewhere(kNorth);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  leader.Introduce(north, kNorth);
  leader.Put(1, north);
  ASSERT_TRUE(leader.Go(*feeds_, kOwn).ok());
  const std::vector<Endpoint> clients = {*Endpoint::Parse("[2001:db8::1]:80")};
  ASSERT_EQ(EnrollElsewhere(kNorth, clients), north);
  leader.Introduce(north, kNorth, clients);
  ASSERT_TRUE(leader.Go(*feeds_, kOwn).ok());
  EXPECT_EQ(holders_->Find(north)->clients, clients);
}

TEST_F(ChildFeedsTest, ABackupGivesNoNumberAndBelievesNoOtherOne) {
  const Holder north = EnrollElsewhere(kNorth);
  Teller unknown(7);
  ASSERT_TRUE(unknown.Begin(*feeds_, kOwn).ok());
  unknown.Introduce(Holder(north.value() + 1), kSouth);
  unknown.Put(1, Holder(north.value() + 1));
  EXPECT_EQ(unknown.Go(*feeds_, kOwn).code(), StatusCode::kUnavailable);
  Teller wrong(8);
  ASSERT_TRUE(wrong.Begin(*feeds_, kOwn).ok());
  wrong.Introduce(north, kSouth);
  wrong.Put(1, north);
  EXPECT_EQ(wrong.Go(*feeds_, kOwn).code(), StatusCode::kUnavailable);
  EXPECT_EQ(index_->locations(), 0U);
  EXPECT_EQ(EnrollElsewhere(kSouth), Holder(north.value() + 1)) << "it is free still";
}

TEST_F(ChildFeedsTest, ABackupTakesNoChildAndALeaderNoLeader) {
  Teller child(3);
  EXPECT_EQ(child.Begin(*feeds_, kFarm).code(), StatusCode::kUnavailable);
  ASSERT_TRUE(feeds_->Lead().ok());
  EXPECT_TRUE(child.Begin(*feeds_, kFarm).ok());
  Teller leader(7);
  EXPECT_EQ(leader.Begin(*feeds_, kOwn).code(), StatusCode::kUnavailable);
  feeds_->Follow();
  child.Introduce(Holder(1), kNorth);
  child.Put(1, Holder(1));
  EXPECT_EQ(child.Go(*feeds_, kFarm).code(), StatusCode::kUnavailable);
  EXPECT_EQ(index_->locations(), 0U);
}

TEST_F(ChildFeedsTest, AStreamOfWhoLedBeforeEndsWhenThisOneLeads) {
  const Holder north = EnrollElsewhere(kNorth);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  ASSERT_TRUE(feeds_->Lead().ok());
  leader.Introduce(north, kNorth);
  leader.Put(1, north);
  EXPECT_EQ(leader.Go(*feeds_, kOwn).code(), StatusCode::kUnavailable);
  EXPECT_EQ(index_->locations(), 0U);
}

TEST_F(ChildFeedsTest, PositionsOfOneKindAreForgottenWhenTheOtherComes) {
  ASSERT_TRUE(feeds_->Lead().ok());
  TellOneCopy();
  EXPECT_EQ(Positions(), std::vector<std::string>{kFarm});
  feeds_->Follow();
  Open();
  EXPECT_EQ(Positions(), std::vector<std::string>{kFarm}) << "nobody else has changed anything";
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  EXPECT_EQ(Positions(), std::vector<std::string>{kOwn});
  Open();
  ASSERT_TRUE(feeds_->Lead().ok());
  EXPECT_EQ(Positions(), std::vector<std::string>());
}

TEST_F(ChildFeedsTest, ABackupThatLeadsComparesWhatItHeardFromItsLeader) {
  const Holder north = EnrollElsewhere(kNorth);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  leader.Introduce(north, kNorth);
  for (int content = 0; content < 50; ++content) leader.Put(content, north);
  ASSERT_TRUE(leader.Go(*feeds_, kOwn).ok());
  ASSERT_EQ(index_->locations(), 50U);
  ASSERT_TRUE(feeds_->Lead().ok());
  EXPECT_EQ(feeds_->stale(), std::vector<std::string>{kFarm});
  Teller child(3);
  child.Introduce(Holder(1), kNorth);
  for (int content = 0; content < 50; ++content) child.Put(content, Holder(1));
  ASSERT_TRUE(child.Begin(*feeds_, kFarm).ok());
  EXPECT_EQ(child.differing(), 0U);
  EXPECT_TRUE(feeds_->stale().empty());
  EXPECT_EQ(index_->locations(), 50U);
}

TEST_F(ChildFeedsTest, CopiesOfNobodyDifferAtABackup) {
  ASSERT_TRUE(feeds_->Lead().ok());
  TellOneCopy();
  feeds_->Follow();
  const auto none = [](Holder) { return false; };
  control::HolderBook leaders(*store_);
  ASSERT_TRUE(leaders.Load().ok());
  ASSERT_EQ(*leaders.Forget(kFarm, none), 1U);
  Teller leader(7);
  ASSERT_TRUE(leader.Begin(*feeds_, kOwn).ok());
  EXPECT_EQ(leader.differing(), 1U);
}

TEST_F(ChildFeedsTest, CopiesOfNobodyAreTakenOutByWhoLeads) {
  ASSERT_TRUE(feeds_->Lead().ok());
  TellOneCopy();
  feeds_->Follow();
  const auto none = [](Holder) { return false; };
  control::HolderBook leaders(*store_);
  ASSERT_TRUE(leaders.Load().ok());
  ASSERT_EQ(*leaders.Forget(kFarm, none), 1U);
  ASSERT_TRUE(feeds_->Lead().ok());
  while (*feeds_->ForgetSilent(std::chrono::hours(24), Timestamp())) {
  }
  EXPECT_EQ(index_->locations(), 0U);
  EXPECT_FALSE(store_->FindUri(KeyOf(1))->has_value());
  EXPECT_EQ(feeds_->forgotten(), 0U) << "children";
}

}  // namespace
}  // namespace strata::manager::link
