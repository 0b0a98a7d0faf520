#include "service_manager/control/holder_book.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::control {
namespace {

using directory::Holder;
using federation::HolderName;
using Numbers = std::vector<Holder>;

constexpr Holder kFirst{kHolderNumberFirst};
constexpr Holder kSecond{kHolderNumberFirst + 1};
constexpr Holder kThird{kHolderNumberFirst + 2};

const std::string kChild = "cdn-one";
const HolderName kNorth{"cdn-one/lan-a", "north-1"};
const HolderName kSouth{"cdn-one/lan-a", "south-1"};
const HolderName kWhole{"cdn-one", ""};

Endpoint EndpointOf(const char* text) { return Endpoint::Parse(text).value(); }

// In a farm with one more manager, which is away.
class HolderBookTest : public ::testing::Test {
 protected:
  HolderBookTest() {
    std::filesystem::remove_all(folder_);
    Open();
  }
  ~HolderBookTest() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Close() {
    book_.reset();
    mirrored_.reset();
    store_.reset();
  }
  // As a manager that starts and leads.
  void Open() {
    Close();
    auto opened = store::RocksStore::Open({.folder = folder_});
    ASSERT_TRUE(opened.ok()) << MessageOf(opened.status());
    store_ = *std::move(opened);
    auto mirrored = store::MirroredStore::Open(*store_, Duration::zero());
    ASSERT_TRUE(mirrored.ok()) << MessageOf(mirrored.status());
    mirrored_ = *std::move(mirrored);
    ASSERT_TRUE(mirrored_->Lead(1).ok());
    book_ = std::make_unique<HolderBook>(*mirrored_);
    ASSERT_TRUE(book_->Load().ok());
  }
  // Whether its writes are acknowledged.
  void OtherManagerIsNeeded(bool needed) {
    mirrored_->Require(needed ? std::set<std::string>{"m-2"} : std::set<std::string>());
  }
  uint64_t Writes() { return mirrored_->position().number; }

  StatusOr<Numbers> Enroll(const std::vector<HolderBook::Told>& holders) {
    return book_->Enroll(kChild, holders);
  }
  size_t Forget(const std::string& scope, const std::set<Holder>& in_use = {}) {
    return book_->Forget(scope, [&](Holder number) { return in_use.contains(number); }).value();
  }
  // So many of that child.
  static std::vector<HolderBook::Told> Many(const std::string& child, size_t count) {
    std::vector<HolderBook::Told> many;
    for (size_t i = 0; i < count; ++i) many.push_back({{child, std::to_string(i)}});
    return many;
  }

  const std::string folder_ = testing::TempDir() + "/holder_book";
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<store::MirroredStore> mirrored_;
  std::unique_ptr<HolderBook> book_;
};

TEST_F(HolderBookTest, CountsWhatChangesIt) {
  uint64_t before = book_->changes();
  const auto changed = [&] {
    const uint64_t last = std::exchange(before, book_->changes());
    return before != last;
  };
  ASSERT_TRUE(Enroll({{kNorth, {}}}).ok());
  EXPECT_TRUE(changed());
  ASSERT_TRUE(Enroll({{kNorth, {}}}).ok());
  EXPECT_FALSE(changed()) << "it is known like that";
  ASSERT_TRUE(Enroll({{kNorth, {EndpointOf("192.0.2.1:80")}}}).ok());
  EXPECT_TRUE(changed());
  EXPECT_EQ(Forget(kChild), 1u);
  EXPECT_TRUE(changed());
  ASSERT_TRUE(book_->Load().ok());
  EXPECT_TRUE(changed());
}

TEST_F(HolderBookTest, EachKeepsItsNumberNameAndAddresses) {
  const std::vector<Endpoint> clients = {EndpointOf("192.0.2.1:80"),
                                         EndpointOf("[2001:db8::1]:80")};
  EXPECT_EQ(Enroll({{kNorth, clients}, {kWhole}}).value(), (Numbers{kSecond, kFirst}));
  Open();
  EXPECT_EQ(Enroll({{kSouth}, {kWhole}, {kNorth, clients}}).value(),
            (Numbers{kThird, kFirst, kSecond}));
  Open();
  const HolderBook::EntryPtr entry = book_->Find(kSecond);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->number, kSecond);
  EXPECT_EQ(entry->name, kNorth);
  EXPECT_EQ(entry->clients, clients);
  EXPECT_EQ(book_->Find(kSouth), kThird);
  EXPECT_EQ(book_->Find(Holder(101)), nullptr) << "an engine of the own farm";
  EXPECT_EQ(book_->Find(HolderName{"cdn-one", "north-1"}), std::nullopt);
}

TEST_F(HolderBookTest, WritesWhatIsNewOnly) {
  ASSERT_TRUE(Enroll({{kNorth, {EndpointOf("192.0.2.1:80")}}, {kSouth}}).ok());
  const uint64_t writes = Writes();
  ASSERT_TRUE(Enroll({{kSouth}, {kNorth, {EndpointOf("192.0.2.1:80")}}}).ok());
  EXPECT_EQ(Writes(), writes);
  EXPECT_EQ(Enroll({{kNorth, {EndpointOf("192.0.2.2:80")}}}).value(), Numbers{kFirst});
  EXPECT_EQ(Writes(), writes + 1);
  Open();
  EXPECT_EQ(book_->Find(kFirst)->clients, std::vector{EndpointOf("192.0.2.2:80")});
}

TEST_F(HolderBookTest, AHolderThatIsToldTwiceHasOneNumber) {
  EXPECT_EQ(Enroll({{kNorth}, {kNorth, {EndpointOf("192.0.2.1:80")}}}).value(),
            (Numbers{kFirst, kFirst}));
  EXPECT_EQ(book_->Find(kFirst)->clients.size(), 1u);
}

TEST_F(HolderBookTest, ANumberIsNeverGivenAgain) {
  ASSERT_TRUE(Enroll({{kNorth}, {kSouth}}).ok());
  EXPECT_EQ(Forget("cdn-one"), 2u);
  EXPECT_EQ(book_->Find(kSecond), nullptr);
  EXPECT_EQ(book_->Find(kSouth), std::nullopt);
  Open();
  EXPECT_EQ(book_->size(), 0u);
  EXPECT_EQ(Enroll({{kSouth}}).value(), Numbers{kThird});
}

TEST_F(HolderBookTest, ForgetsOfAScopeWhatIsNotInUse) {
  ASSERT_TRUE(book_->Enroll("cdn-one", std::vector<HolderBook::Told>{{kNorth}, {kSouth}}).ok());
  ASSERT_TRUE(
      book_->Enroll("cdn-one-b", std::vector<HolderBook::Told>{{{"cdn-one-b", "north-1"}}}).ok());
  ASSERT_EQ(book_->OfScope("cdn-one").size(), 2u);
  EXPECT_EQ(book_->OfScope("cdn-one")[0]->name, kNorth);
  EXPECT_EQ(book_->OfScope("cdn-one/lan").size(), 0u);
  EXPECT_EQ(Forget("cdn-one", {kFirst}), 1u);
  EXPECT_NE(book_->Find(kFirst), nullptr);
  EXPECT_EQ(book_->Find(kSecond), nullptr);
  EXPECT_NE(book_->Find(kThird), nullptr);
}

TEST_F(HolderBookTest, AHolderIsOfTheChildThatToldOfItLast) {
  ASSERT_TRUE(Enroll({{kNorth}, {kSouth}}).ok());
  EXPECT_EQ(book_->Children(), std::vector<std::string>{"cdn-one"});
  // The farm has no manager between itself and this one any more.
  EXPECT_EQ(book_->Enroll("cdn-one/lan-a", std::vector<HolderBook::Told>{{kNorth}}).value(),
            Numbers{kFirst});
  for (int reads = 0; reads < 2; ++reads) {
    EXPECT_EQ(book_->Children(), (std::vector<std::string>{"cdn-one", "cdn-one/lan-a"}));
    ASSERT_EQ(book_->OfChild("cdn-one").size(), 1u);
    EXPECT_EQ(book_->OfChild("cdn-one")[0]->name, kSouth);
    EXPECT_EQ(book_->OfScope("cdn-one").size(), 2u);
    Open();
  }
  EXPECT_EQ(Forget("cdn-one"), 1u);
  EXPECT_NE(book_->Find(kFirst), nullptr);
  EXPECT_EQ(book_->Children(), std::vector<std::string>{"cdn-one/lan-a"});
}

TEST_F(HolderBookTest, HoldersOfOtherScopesAreRefused) {
  const auto refused = Enroll({{kNorth}, {{"cdn-two/lan-a", "north-1"}}});
  EXPECT_EQ(refused.status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(book_->size(), 0u);
}

TEST_F(HolderBookTest, HasALimitForEachChild) {
  ASSERT_TRUE(Enroll(Many(kChild, kHoldersOfChildMax)).ok());
  const StatusOr<Numbers> more = Enroll({{kNorth}});
  EXPECT_EQ(more.status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(Enroll(Many(kChild, 2)).ok()) << "those that are there";
  EXPECT_TRUE(book_->Enroll("cdn-two", Many("cdn-two", 2)).ok());
  Forget(kChild, {kFirst});
  EXPECT_TRUE(Enroll({{kNorth}}).ok());
}

TEST_F(HolderBookTest, HasALimitForAll) {
  for (int child = 0; book_->size() < kHoldersMax; ++child) {
    const std::string scope = "cdn-" + std::to_string(child);
    const size_t count = std::min(kHoldersOfChildMax, kHoldersMax - book_->size());
    ASSERT_TRUE(book_->Enroll(scope, Many(scope, count)).ok());
  }
  EXPECT_EQ(Enroll({{kNorth}}).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(HolderBookTest, ANumberThatNotAllManagersHaveIsNotGiven) {
  ASSERT_TRUE(Enroll({{kWhole}}).ok());
  OtherManagerIsNeeded(true);
  EXPECT_EQ(Enroll({{kNorth}}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(book_->Find(kNorth), std::nullopt);
  EXPECT_EQ(Enroll({{kWhole}}).status().code(), StatusCode::kUnavailable)
      << "nobody knows which writes the other manager has";
  OtherManagerIsNeeded(false);
  EXPECT_EQ(Enroll({{kSouth}, {kNorth}}).value(), (Numbers{kThird, kSecond}))
      << "what was written keeps its number";
  Open();
  EXPECT_EQ(book_->size(), 3u);
}

TEST_F(HolderBookTest, AfterAStartNumbersAreGivenWhenAllManagersHaveThem) {
  ASSERT_TRUE(Enroll({{kNorth}}).ok());
  Open();
  OtherManagerIsNeeded(true);
  EXPECT_EQ(Enroll({{kNorth}}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(book_->Find(kNorth), kFirst) << "who reads is told";
}

TEST_F(HolderBookTest, RecordsThatCannotBeReadAreNamed) {
  ASSERT_TRUE(Enroll({{kNorth}}).ok());
  ASSERT_TRUE(mirrored_->Commit({.puts = {{"holders", "80000007", "\xff"}}}).ok());
  const Status loaded = book_->Load();
  EXPECT_EQ(loaded.code(), StatusCode::kDataLoss);
  EXPECT_NE(MessageOf(loaded).find("holder 80000007"), std::string::npos) << MessageOf(loaded);
  EXPECT_EQ(book_->Find(kNorth), kFirst);
  for (const char* key : {"00000065", "8000000A", "x"}) {
    ASSERT_TRUE(
        mirrored_->Commit({.puts = {{"holders", key, ""}}, .deletes = {{"holders", "80000007"}}})
            .ok());
    EXPECT_EQ(book_->Load().code(), StatusCode::kDataLoss) << key;
    ASSERT_TRUE(mirrored_->Commit({.deletes = {{"holders", key}}}).ok());
  }
  EXPECT_TRUE(book_->Load().ok());
}

}  // namespace
}  // namespace strata::manager::control
