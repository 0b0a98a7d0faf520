#include "service_manager/control/child_removal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "common/random.h"
#include "service_manager/directory/location_digest.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/uplink/recording_observer.h"

namespace strata::manager::control {
namespace {

using directory::Holder;

constexpr Holder kGone[] = {Holder(7), Holder(8)};
constexpr Holder kStays(9);
constexpr uint64_t kContents = 20'000;

farm::ContentKey Key(uint64_t n) { return {.high = directory::Mixed(n + 1), .low = n}; }

// Every third content is the child's alone, every third is another's too, the rest another's alone.
bool IsOfChild(uint64_t n) { return n % 3 != 2; }
bool IsOfAnother(uint64_t n) { return n % 3 != 0; }

class ChildRemovalTest : public ::testing::Test {
 protected:
  ChildRemovalTest() {
    std::filesystem::remove_all(folder_);
    auto opened = store::RocksStore::Open({.folder = folder_});
    EXPECT_TRUE(opened.ok()) << MessageOf(opened.status());
    store_ = *std::move(opened);
    for (uint64_t n = 0; n < kContents; ++n) Add(n);
    batch_.positions = {{"cdn-one", 1, kContents}, {"cdn-two", 1, kContents}};
    EXPECT_TRUE(store_->Apply(batch_).ok());
  }
  ~ChildRemovalTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Add(uint64_t n) {
    batch_.uris.push_back({Key(n), "http://example.test/" + std::to_string(n)});
    if (IsOfChild(n)) AddCopy(n, kGone[n % 2]);
    if (IsOfAnother(n)) AddCopy(n, kStays);
  }
  void AddCopy(uint64_t n, Holder holder) {
    batch_.stored.push_back({.key = Key(n), .location = {.holder = holder}});
    index_.Add(Key(n), {.holder = holder});
  }

  std::vector<std::string> Children() {
    std::vector<std::string> children;
    const auto positions = store_->ChildPositions();
    EXPECT_TRUE(positions.ok()) << MessageOf(positions.status());
    for (const store::ChildPosition& position : *positions) {
      children.push_back(position.child);
    }
    return children;
  }
  // Contents that the store has, and URIs among them.
  std::pair<size_t, size_t> Stored() {
    size_t contents = 0;
    size_t uris = 0;
    const auto visited =
        store_->VisitContents({}, {UINT64_MAX, UINT64_MAX}, [&](const store::ContentView& content) {
          ++contents;
          uris += content.uri.empty() ? 0 : 1;
          return true;
        });
    EXPECT_TRUE(visited.ok()) << MessageOf(visited.status());
    return {contents, uris};
  }

  const std::string folder_ = testing::TempDir() + "/child_removal";
  SeededRandom random_{1};
  directory::LocationIndex index_{random_};
  directory::LocationReader reader_{directory::LocationReader::Register(index_).value()};
  std::unique_ptr<store::RocksStore> store_;
  store::LocationBatch batch_;
};

TEST_F(ChildRemovalTest, TakesOutTheChildsCopiesAndNothingElse) {
  ChildRemoval removal("cdn-one", kGone, {index_, reader_, *store_});
  while (!removal.done()) {
    const uint64_t before = removal.removed();
    ASSERT_TRUE(removal.Continue().ok());
    ASSERT_LE(removal.removed() - before, kRemovedAtOnceMax);
  }
  uint64_t shared = 0;
  for (uint64_t n = 0; n < kContents; ++n) {
    directory::Location found[2];
    ASSERT_EQ(index_.Find(Key(n), found), IsOfAnother(n) ? 1u : 0u) << n;
    if (IsOfAnother(n)) {
      EXPECT_EQ(found[0].holder, kStays);
    }
    EXPECT_EQ(store_->FindUri(Key(n))->has_value(), IsOfAnother(n)) << n;
    shared += IsOfAnother(n) ? 1 : 0;
  }
  EXPECT_EQ(removal.removed(), (kContents * 2 + 2) / 3);
  EXPECT_EQ(Stored(), std::pair(shared, shared));
  EXPECT_EQ(Children(), std::vector<std::string>{"cdn-two"});
}

TEST_F(ChildRemovalTest, AnObserverHearsOfWhatIsTakenOut) {
  uplink::testing::RecordingObserver observer;
  ChildRemoval removal("cdn-one", kGone, {index_, reader_, *store_});
  while (!removal.done()) ASSERT_TRUE(removal.Continue(&observer).ok());
  const std::vector<std::string> told = observer.Take();
  ASSERT_EQ(told.size(), removal.removed());
  EXPECT_EQ(std::ranges::count(told, "holder 7: 0 to none, forgets the URI") +
                std::ranges::count(told, "holder 8: 0 to none, forgets the URI"),
            ptrdiff_t{(kContents + 2) / 3});
  EXPECT_EQ(observer.stored(), told.size());
  EXPECT_EQ(observer.batch(), *store_->Apply({}));
}

TEST_F(ChildRemovalTest, ForgetsThePositionBeforeAnyCopy) {
  ChildRemoval removal("cdn-one", kGone, {index_, reader_, *store_});
  ASSERT_TRUE(removal.Continue().ok());
  EXPECT_EQ(removal.removed(), 0u);
  EXPECT_EQ(Children(), std::vector<std::string>{"cdn-two"});
  EXPECT_EQ(Stored().first, kContents);
}

}  // namespace
}  // namespace strata::manager::control
