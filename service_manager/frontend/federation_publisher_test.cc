#include "service_manager/frontend/federation_publisher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "multicast/driver/clock.h"

namespace strata::manager::frontend {
namespace {

using routing::FederationSnapshot;
using SnapshotPtr = std::shared_ptr<const FederationSnapshot>;

std::shared_ptr<const routing::SitesByHost> SitesOf(const std::string& host) {
  farm::Site site;
  site.name = "films";
  site.version = 1;
  site.hosts = {host};
  farm::SiteTable table;
  EXPECT_TRUE(table.Apply(site).ok());
  return std::make_shared<routing::SitesByHost>(table);
}

// What a manager knows, and what was published of it.
class FederationPublisherTest : public ::testing::Test {
 public:
  FederationPublisherTest() {
    std::filesystem::create_directories(folder_);
    options_.publish_pause = std::chrono::milliseconds(1);
  }
  ~FederationPublisherTest() override {
    publisher_.reset();
    std::filesystem::remove_all(folder_);
  }

  Status Start() {
    FederationSources sources;
    sources.sites = [this] {
      ++sites_read_;
      return Known(&FederationPublisherTest::sites_);
    };
    sources.holders = [this] {
      ++holders_read_;
      return Known(&FederationPublisherTest::holders_);
    };
    sources.holder_changes = [this] { return Known(&FederationPublisherTest::changes_); };
    sources.children = [this] { return Known(&FederationPublisherTest::children_); };
    sources.unpurged = [this] { return Known(&FederationPublisherTest::unpurged_); };
    sources.loads = [this](FederationSources::ReadLoads read) {
      absl::MutexLock lock(&mutex_);
      read(loads_);
    };
    auto started = FederationPublisher::Start(
        options_, std::move(sources),
        [this](SnapshotPtr snapshot) {
          absl::MutexLock lock(&mutex_);
          newest_ = std::move(snapshot);
        },
        metrics_);
    if (!started.ok()) return started.status();
    publisher_ = *std::move(started);
    return Ok();
  }
  template <class T>
  T Known(T FederationPublisherTest::*member) {
    absl::MutexLock lock(&mutex_);
    return this->*member;
  }
  // Changes what is known, and says so.
  template <class T>
  void Know(T FederationPublisherTest::*member, T value) {
    {
      absl::MutexLock lock(&mutex_);
      this->*member = std::move(value);
    }
    publisher_->OnChange();
  }
  // The first one that is like that; null after 10 s.
  template <class Condition>
  SnapshotPtr Await(const Condition& condition) {
    SnapshotPtr found;
    const auto look = [&] {
      if (newest_ != nullptr && condition(*newest_)) found = newest_;
      return found != nullptr;
    };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&look), absl::Seconds(10));
    return found;
  }
  std::string FileOf(const std::string& text) {
    const std::string path = folder_ + "/regions";
    std::ofstream(path) << text;
    return path;
  }

  const std::string folder_ = ::testing::TempDir() + "/federation_publisher";
  MetricRegistry metrics_;
  FederationPublisherOptions options_;
  absl::Mutex mutex_;
  std::shared_ptr<const routing::SitesByHost> sites_ = SitesOf("films.example");
  std::vector<routing::RoutedHolder> holders_;
  uint64_t changes_ = 0;
  std::atomic<int> holders_read_ = 0;
  std::map<std::string, std::set<std::string, std::less<>>> unpurged_;
  std::atomic<int> sites_read_ = 0;
  std::vector<routing::ChildScope> children_ = {
      {.scope = "one", .connected = true, .front_ends = {*Endpoint::Parse("192.0.2.1:80")}}};
  routing::ScopeLoadTable loads_;
  SnapshotPtr newest_;
  std::unique_ptr<FederationPublisher> publisher_;
};

constexpr auto kAny = [](const FederationSnapshot&) { return true; };

TEST_F(FederationPublisherTest, PublishesWhatIsKnownAndWhatChanges) {
  options_.publish_every = std::chrono::hours(1);
  ASSERT_TRUE(Start().ok());
  const SnapshotPtr first = Await(kAny);
  ASSERT_NE(first, nullptr);
  EXPECT_NE(first->sites().Find("films.example"), nullptr);
  ASSERT_EQ(first->children().size(), 1u);
  Know(&FederationPublisherTest::sites_, SitesOf("other.example"));
  EXPECT_TRUE(Await([](const auto& s) { return s.sites().Find("other.example") != nullptr; }));
  Know(&FederationPublisherTest::children_, {});
  EXPECT_TRUE(Await([](const auto& s) { return s.children().empty(); }));
}

TEST_F(FederationPublisherTest, PublishesSoonWhenSitesAreKnownAtLast) {
  options_.publish_every = std::chrono::hours(1);
  sites_ = nullptr;
  ASSERT_TRUE(Start().ok());
  const auto looked_twice = [this] { return sites_read_ > 1; };
  absl::MutexLock lock(&mutex_);
  EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&looked_twice), absl::Seconds(10)));
  EXPECT_EQ(newest_, nullptr);
  sites_ = SitesOf("films.example");  // Nobody says so.
  const auto published = [this] { return newest_ != nullptr; };
  EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&published), absl::Seconds(10)));
}

TEST_F(FederationPublisherTest, HoldersAreReadAnewOnlyWhenTheyChanged) {
  ASSERT_TRUE(Start().ok());
  const SnapshotPtr first = Await(kAny);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->holders().IndexOf(directory::Holder(7)), -1);
  publisher_->OnChange();
  ASSERT_NE(Await([&](const auto& s) { return &s != first.get(); }), nullptr);
  EXPECT_EQ(holders_read_, 1);
  {
    absl::MutexLock lock(&mutex_);
    holders_ = {
        {.number = directory::Holder(7), .name = {.scope = "one", .engine = ""}, .clients = {}}};
  }
  Know(&FederationPublisherTest::changes_, uint64_t{1});
  EXPECT_TRUE(Await([](const auto& s) { return s.holders().IndexOf(directory::Holder(7)) >= 0; }));
  EXPECT_EQ(holders_read_, 2);
}

TEST_F(FederationPublisherTest, LoadsOfChildrenAreInIt) {
  ASSERT_TRUE(Start().ok());
  const auto status = [](const FederationSnapshot& s) {
    return s.children().empty() ? farm::EngineStatus::kDown : s.CardOf(s.children()[0]).status;
  };
  EXPECT_TRUE(Await([&](const auto& s) { return status(s) == farm::EngineStatus::kStale; }));
  {
    absl::MutexLock lock(&mutex_);
    routing::ScopeReport report;
    report.scope = "one";
    report.load.engines = 1;
    ASSERT_TRUE(loads_.Apply("one", {report}, multicast::Now()).ok());
  }
  publisher_->OnChange();
  EXPECT_TRUE(Await([&](const auto& s) { return status(s) == farm::EngineStatus::kUp; }));
}

TEST_F(FederationPublisherTest, PublishesAlsoWhenNothingChangesSinceLoadsGetOld) {
  options_.publish_every = std::chrono::milliseconds(5);
  ASSERT_TRUE(Start().ok());
  const SnapshotPtr first = Await(kAny);
  EXPECT_NE(Await([&](const auto& s) { return &s != first.get(); }), nullptr);
}

TEST_F(FederationPublisherTest, PublishesNothingUntilSitesAreKnown) {
  sites_ = nullptr;
  options_.publish_every = std::chrono::milliseconds(1);
  ASSERT_TRUE(Start().ok());
  Know(&FederationPublisherTest::sites_, SitesOf("films.example"));
  ASSERT_NE(Await(kAny), nullptr);
}

TEST_F(FederationPublisherTest, TheRegionMapIsReadAgainAndAFaultChangesNothing) {
  options_.region_file = FileOf("192.0.2.0/24 europe\n");
  ASSERT_TRUE(Start().ok());
  const auto named = [](const FederationSnapshot& s) {
    return s.regions().NameOf(s.regions().RegionOf(*IpAddress::Parse("192.0.2.7")));
  };
  EXPECT_TRUE(Await([&](const auto& s) { return named(s) == "europe"; }));
  const std::string path = FileOf("192.0.2.0/24 asia\nnonsense\n");
  const Status refused = publisher_->Reload({.delegate = true}, path);
  EXPECT_EQ(MessageOf(refused), path + ": line 2: neither PREFIX REGION nor scope SCOPE REGION");
  publisher_->OnChange();
  const SnapshotPtr before = Await(kAny);
  EXPECT_EQ(named(*before), "europe");
  EXPECT_FALSE(before->settings().delegate);
  FileOf("192.0.2.0/24 asia\n");
  ASSERT_TRUE(publisher_->Reload({.delegate = true}, path).ok());
  const SnapshotPtr after = Await([&](const auto& s) { return named(s) == "asia"; });
  ASSERT_NE(after, nullptr);
  EXPECT_TRUE(after->settings().delegate);
}

TEST_F(FederationPublisherTest, ARegionMapThatIsNotThereIsAnErrorOfTheStart) {
  options_.region_file = folder_ + "/missing";
  const Status started = Start();
  EXPECT_EQ(started.code(), StatusCode::kNotFound);
  EXPECT_NE(MessageOf(started).find("/missing"), std::string::npos);
}

}  // namespace
}  // namespace strata::manager::frontend
