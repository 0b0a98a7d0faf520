#include "service_engine/app/inventory_teller.h"

#include <gtest/gtest.h>

#include <memory>

#include "multicast/driver/private_network.h"
#include "service_engine/app/fake_adapter.h"
#include "service_engine/app/small_farm.h"

namespace strata::engine::app {
namespace {

constexpr farm::ContentKey kFilm{1, 1};
constexpr farm::ContentKey kSong{2, 2};

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

farm::Asset AssetOf(uint64_t size) {
  farm::Asset asset;
  asset.size = size;
  return asset;
}

class InventoryTellerTest : public ::testing::Test {
 protected:
  ~InventoryTellerTest() override { teller_.reset(); }

  void Start(uint64_t registration = 1) {
    teller_ = std::make_unique<InventoryTeller>(farm_.engine(), adapter_, SmallFarm::kEngine,
                                                registration);
  }
  bool AwaitHeld(const farm::ContentKey& key, bool held = true) {
    return farm_.Await([&](const farm::TableReplica& replica) {
      return (replica.table().FindAsset(SmallFarm::kEngine, key) != nullptr) == held;
    });
  }
  bool AwaitTold() {
    return farm_.Await([](const farm::TableReplica& replica) {
      return !replica.table().Find(SmallFarm::kEngine)->telling;
    });
  }

  SmallFarm farm_;
  FakeAdapter adapter_;
  std::unique_ptr<InventoryTeller> teller_;
};

TEST_F(InventoryTellerTest, TellsWhatIsThereAndThenWhatChanges) {
  adapter_.Hold(kFilm, AssetOf(10));
  Start();
  EXPECT_TRUE(AwaitHeld(kFilm));
  EXPECT_TRUE(AwaitTold());
  adapter_.Hold(kSong, AssetOf(20));
  teller_->OnChanges();
  EXPECT_TRUE(AwaitHeld(kSong));
  adapter_.Drop(kFilm);
  teller_->OnChanges();
  EXPECT_TRUE(AwaitHeld(kFilm, false));
  EXPECT_EQ(teller_->TakeUris(1).size(), 1u);
  EXPECT_EQ(teller_->TakeUris(10).size(), 1u);
  EXPECT_TRUE(teller_->TakeUris(10).empty());
}

TEST_F(InventoryTellerTest, WhatIsNotThereAnyMoreGoesWithTheWholeInventory) {
  farm_.Say(farm::AssetsChanged{SmallFarm::kEngine, {{kFilm, AssetOf(10)}}});
  adapter_.Hold(kSong, AssetOf(20));
  Start();
  EXPECT_TRUE(AwaitHeld(kSong));
  EXPECT_TRUE(AwaitHeld(kFilm, false));
}

TEST_F(InventoryTellerTest, NothingIsGoneBeforeTheScanIsComplete) {
  farm_.Say(farm::AssetsChanged{SmallFarm::kEngine, {{kFilm, AssetOf(10)}}});
  adapter_.SetScanComplete(false);
  adapter_.Hold(kSong, AssetOf(20));
  Start();
  EXPECT_TRUE(AwaitHeld(kSong));
  EXPECT_TRUE(AwaitHeld(kFilm));
  adapter_.SetScanComplete(true);
  teller_->OnChanges();
  EXPECT_TRUE(AwaitHeld(kFilm, false));
}

TEST_F(InventoryTellerTest, WaitsForItsRegistration) {
  adapter_.Hold(kFilm, AssetOf(10));
  Start(2);
  EXPECT_TRUE(AwaitHeld(kFilm, false));
  farm::EngineInfo info;
  farm_.manager().Read([&](const farm::TableReplica& replica) {
    info = replica.table().Find(SmallFarm::kEngine)->engine;
  });
  farm_.Say(farm::EngineRegistered{info, 2});
  EXPECT_TRUE(AwaitHeld(kFilm));
}

}  // namespace
}  // namespace strata::engine::app
