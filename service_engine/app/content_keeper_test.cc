#include "service_engine/app/content_keeper.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "multicast/driver/private_network.h"
#include "service_engine/app/fake_adapter.h"
#include "service_engine/app/lonely_agent.h"
#include "service_engine/app/small_farm.h"

namespace strata::engine::app {
namespace {

using Deeds = std::vector<std::string>;

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

farm::Site SiteOf(const std::string& name, uint64_t version) {
  farm::Site site;
  site.name = name;
  site.version = version;
  site.hosts = {name + ".example"};
  return site;
}

class ContentKeeperTest : public ::testing::Test {
 protected:
  ContentKeeperTest() {
    folder_ = NewAgentFolder();
    agent_ = StartAgent(folder_, table_, metrics_);
  }
  ~ContentKeeperTest() override {
    Stop();
    agent_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start(const std::vector<farm::Site>& sites = {}) {
    auto positions = PurgePositions::Open(folder_ + "/positions");
    ASSERT_TRUE(positions.ok());
    keeper_metrics_ = std::make_unique<MetricRegistry>();
    ContentKeeper::Options options;
    options.self = SmallFarm::kEngine;
    auto keeper = std::make_unique<ContentKeeper>(options, farm_.engine(), adapter_, *agent_,
                                                  *std::move(positions), sites, *keeper_metrics_);
    {
      const std::lock_guard lock(mutex_);
      keeper_ = std::move(keeper);
    }
    farm_.OnEngineMessage([this](const farm::Message& message) {
      const std::lock_guard lock(mutex_);
      if (keeper_ == nullptr) return;
      if (const auto* removed = std::get_if<farm::SiteRemoved>(&message)) {
        keeper_->OnSiteRemoved(removed->site);
      }
      keeper_->Wake();
    });
  }
  void Stop() {
    farm_.OnEngineMessage(nullptr);
    std::unique_ptr<ContentKeeper> keeper;
    const std::lock_guard lock(mutex_);
    keeper.swap(keeper_);
  }
  bool AwaitOpen(bool open = true) {
    return SmallFarm::Poll([&] { return keeper_->open() == open; });
  }
  bool AwaitTaken(const std::string& site, uint64_t version, bool refused = false) {
    return farm_.AwaitMessage([&](const farm::Message& message) {
      const auto* taken = std::get_if<farm::SiteTaken>(&message);
      return taken != nullptr && taken->site == site && taken->version == version &&
             taken->problem.empty() != refused;
    });
  }
  bool AwaitPurged(const std::string& site, uint64_t position, bool failed = false) {
    return farm_.AwaitMessage([&](const farm::Message& message) {
      const auto* purged = std::get_if<farm::PurgeApplied>(&message);
      return purged != nullptr && purged->site == site && purged->position == position &&
             purged->problem.empty() != failed;
    });
  }

  SmallFarm farm_;
  NoTable table_;
  MetricRegistry metrics_;
  FakeAdapter adapter_;
  std::string folder_;
  std::unique_ptr<transfer::AgentServer> agent_;
  std::unique_ptr<MetricRegistry> keeper_metrics_;
  std::mutex mutex_;
  std::unique_ptr<ContentKeeper> keeper_;
};

TEST_F(ContentKeeperTest, OpensWhenAllIsDone) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  farm_.Say(farm::Purged{"films", 1, {{1, 1}}});
  farm_.Say(farm::Purged{"films", 2, {{1, 1}, {2, 2}}});
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  EXPECT_EQ(adapter_.done(), (Deeds{"purge 3", "open"}));
  EXPECT_TRUE(AwaitPurged("films", 1));
  EXPECT_TRUE(AwaitPurged("films", 2));
}

TEST_F(ContentKeeperTest, WhatWasPurgedOnceIsNotPurgedAfterARestart) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  farm_.Say(farm::Purged{"films", 1, {{1, 1}}});
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  Stop();
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  EXPECT_EQ(adapter_.CountOf("purge 1"), 1u);
}

TEST_F(ContentKeeperTest, APurgeThatFailsClosesUntilItIsDone) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  adapter_.FailPurges(true);
  farm_.Say(farm::Purged{"films", 1, {{1, 1}}});
  EXPECT_TRUE(AwaitPurged("films", 1, true));
  EXPECT_TRUE(AwaitOpen(false));
  EXPECT_NE(keeper_->why_closed().find("disk"), std::string::npos);
  adapter_.FailPurges(false);
  EXPECT_TRUE(AwaitPurged("films", 1));
  EXPECT_TRUE(AwaitOpen());
}

TEST_F(ContentKeeperTest, APurgeOfAllOfASiteTakesItsWholeCacheOnce) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  farm_.Say(farm::Purged{"films", 5, {}});
  farm_.Say(farm::Purged{"films", 6, {{1, 1}}});
  EXPECT_TRUE(AwaitPurged("films", 6));
  EXPECT_EQ(adapter_.CountOf("empty films"), 1u);
  Stop();
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  EXPECT_EQ(adapter_.CountOf("empty films"), 1u);
}

TEST_F(ContentKeeperTest, AnInvalidCopyGoesAndWhoWaitsIsTold) {
  Start();
  ASSERT_TRUE(AwaitOpen());
  std::atomic<int> gone = 0;
  keeper_->Invalidate({1, 1}, [&gone] { ++gone; });
  EXPECT_TRUE(SmallFarm::Poll([&gone] { return gone == 1; }));
  EXPECT_EQ(adapter_.CountOf("invalidate 1"), 1u);
}

TEST_F(ContentKeeperTest, AnInvalidCopyThatDoesNotGoIsTriedAgain) {
  Start();
  ASSERT_TRUE(AwaitOpen());
  adapter_.FailPurges(true);
  std::atomic<int> gone = 0;
  keeper_->Invalidate({1, 1}, [&gone] { ++gone; });
  const auto failed = [this] {
    return keeper_metrics_->Text().find("strata_engine_invalidation_failures_total 0\n") ==
           std::string::npos;
  };
  EXPECT_TRUE(SmallFarm::Poll(failed));
  EXPECT_EQ(gone, 0);
  adapter_.FailPurges(false);
  EXPECT_TRUE(SmallFarm::Poll([&gone] { return gone == 1; }));
  EXPECT_TRUE(keeper_->open());
}

TEST_F(ContentKeeperTest, ARefusedSiteKeepsTheOthersFromNothing) {
  adapter_.Refuse("films");
  Start();
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  farm_.Say(farm::SiteApplied{SiteOf("songs", 1)});
  EXPECT_TRUE(AwaitTaken("films", 1, true));
  EXPECT_TRUE(AwaitTaken("songs", 1));
  EXPECT_TRUE(AwaitOpen());
  adapter_.Refuse("films", false);
  farm_.Say(farm::SiteApplied{SiteOf("films", 2)});
  EXPECT_TRUE(AwaitTaken("films", 2));
  EXPECT_EQ(adapter_.CountOf("apply films 2 songs 1"), 1u);
}

TEST_F(ContentKeeperTest, OfASiteThatIsRemovedNothingIsLeft) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  farm_.Say(farm::SiteApplied{SiteOf("songs", 1)});
  Start({SiteOf("films", 1), SiteOf("songs", 1)});
  ASSERT_TRUE(AwaitOpen());
  farm_.Say(farm::SiteRemoved{"films"});
  ASSERT_TRUE(SmallFarm::Poll([this] { return adapter_.CountOf("apply songs 1") == 1; }));
  EXPECT_EQ(adapter_.done(), (Deeds{"open", "empty films", "apply songs 1"}));
}

TEST_F(ContentKeeperTest, ASiteThatIsBackAtOnceStartsEmptyToo) {
  farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
  Start({SiteOf("films", 1)});
  ASSERT_TRUE(AwaitOpen());
  adapter_.FailPurges(true);  // It is not done with the removal when the site is back.
  farm_.Say(farm::SiteRemoved{"films"});
  farm_.Say(farm::SiteApplied{SiteOf("films", 2)});
  adapter_.FailPurges(false);
  EXPECT_TRUE(AwaitTaken("films", 2));
  EXPECT_EQ(adapter_.done(), (Deeds{"open", "empty films", "apply", "apply films 2"}));
}

TEST_F(ContentKeeperTest, WithoutTheVotersItClosesUnlessItMayServeAlone) {
  Start();
  ASSERT_TRUE(AwaitOpen());
  keeper_->SetServeAlone(true);
  farm_.manager().Leave();
  ASSERT_TRUE(SmallFarm::Poll([this] { return !farm_.engine().InTouch(); }));
  keeper_->Wake();
  EXPECT_TRUE(keeper_->open());
  keeper_->SetServeAlone(false);
  EXPECT_TRUE(AwaitOpen(false));
  EXPECT_NE(keeper_->why_closed().find("majority"), std::string::npos);
}

// ---- Copies from engines that are drained.

class PublishTest : public ContentKeeperTest {
 protected:
  static constexpr farm::ContentKey kKey{1, 1};

  void StartOpen() {
    farm_.Say(farm::SiteApplied{SiteOf("films", 1)});
    Start();
    ASSERT_TRUE(AwaitOpen());
  }
  // What was prepared when the other engine had purged up to `position`.
  StatusCode Publish(uint64_t position, const farm::ContentKey& key = kKey,
                     const std::string& site = "films") {
    published_ = false;
    return keeper_
        ->Publish({site, key, position},
                  [this] {
                    published_ = true;
                    return Ok();
                  })
        .code();
  }
  bool published_ = false;
};

TEST_F(PublishTest, ACopyIsPutInItsPlace) {
  StartOpen();
  EXPECT_EQ(Publish(0), StatusCode::kOk);
  EXPECT_TRUE(published_);
}

TEST_F(PublishTest, WhatWasPurgedSinceItWasPreparedIsNot) {
  StartOpen();
  farm_.Say(farm::Purged{"films", 1, {kKey}});
  ASSERT_TRUE(AwaitPurged("films", 1));
  EXPECT_EQ(Publish(0), StatusCode::kAborted);
  EXPECT_FALSE(published_);
  EXPECT_EQ(Publish(0, {2, 2}), StatusCode::kOk);
  EXPECT_EQ(Publish(1), StatusCode::kOk);  // It was put there again, and prepared after the purge.
}

TEST_F(PublishTest, TellsHowFarItHasPurged) {
  StartOpen();
  EXPECT_EQ(keeper_->PurgedUpTo("films"), 0u);
  EXPECT_EQ(keeper_->PurgedUpTo("music"), 0u);
  farm_.Say(farm::Purged{"films", 1, {kKey}});
  EXPECT_TRUE(SmallFarm::Poll([this] { return keeper_->PurgedUpTo("films") == 1; }));
}

TEST_F(PublishTest, ASiteThatIsNoMoreTakesNothing) {
  StartOpen();
  EXPECT_EQ(Publish(0, kKey, "music"), StatusCode::kAborted);
  farm_.Say(farm::SiteRemoved{"films"});
  EXPECT_EQ(Publish(0), StatusCode::kAborted);
  EXPECT_FALSE(published_);
}

}  // namespace
}  // namespace strata::engine::app
