#include "service_engine/adapters/nginx/tree_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "farm/content_identity.h"
#include "service_engine/adapters/nginx/clock.h"

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

constexpr Duration kPatience = std::chrono::seconds(60);

// A content for each file, named by its path; what is in it is its validator.
class NameReader : public ContentReader {
 public:
  bool IsFile(std::string_view name) const override { return !name.starts_with('.'); }
  bool IsFolder(std::string_view name) const override { return !name.starts_with('.'); }
  StatusOr<std::optional<FoundFile>> Read(const std::string& path,
                                          Writing /*writing*/) const override {
    if (gated) open.WaitForNotification();
    std::ifstream file(path);
    if (!file) return std::optional<FoundFile>();
    FoundFile found;
    found.uri = path;
    found.content.key = farm::KeyOf(path);
    std::getline(file, found.content.validator);
    return std::optional<FoundFile>(std::move(found));
  }

  std::atomic<bool> gated = false;  // Nobody reads before it is open.
  absl::Notification open;
};

class TreeWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-tree-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    top_ = name;
    root_ = top_ / "root";
    fs::create_directory(root_);
  }
  void TearDown() override {
    watch_.reset();
    fs::remove_all(top_);
  }
  void Start() {
    watch_ =
        std::make_unique<TreeWatch>(TreeWatchOptions{.name = "test",
                                                     .root = root_.string(),
                                                     .by_rename = true,
                                                     .on_top_folders = nullptr,
                                                     .on_disk_error = nullptr,
                                                     .ending = [this] { return ending_.load(); }},
                                    reader_, held_, metrics_);
    ASSERT_TRUE(watch_->Start().ok());
  }
  void Settle() {
    const Status settled = watch_->Settle(kPatience);
    EXPECT_TRUE(settled.ok()) << MessageOf(settled);
  }
  // As nginx does it: whole, by a rename.
  void Put(const fs::path& path, const std::string& text = "v1") {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(top_ / "next") << text;
    fs::rename(top_ / "next", root_ / path);
  }
  std::string VersionOf(const fs::path& path) {
    const auto asset = held_.Find(farm::KeyOf((root_ / path).string()), Timestamp());
    return asset ? asset->validator : "";
  }
  double Metric(const std::string& name) const {
    double sum = 0;
    for (const MetricSample& sample : metrics_.Samples()) {
      if (sample.name == name) sum += sample.value;
    }
    return sum;
  }

  fs::path top_;
  fs::path root_;
  MetricRegistry metrics_;
  NameReader reader_;
  HeldContents held_{nullptr};
  std::atomic<bool> ending_ = false;
  std::unique_ptr<TreeWatch> watch_;
};

TEST_F(TreeWatchTest, NobodyWaitsForAScanWhenTheEngineIsToEnd) {
  Put("1");
  reader_.gated = true;
  Start();
  std::thread later([this] { ending_ = true; });
  EXPECT_EQ(watch_->Settle(std::chrono::hours(1)).code(), StatusCode::kUnavailable);
  later.join();
  reader_.open.Notify();
}

TEST_F(TreeWatchTest, FindsWhatIsThereAndWhatComesAndGoes) {
  Put("a/b/1");
  Put("a/2");
  Start();
  Settle();
  EXPECT_EQ(held_.files(), 2u);
  Put("a/b/3");
  Put("c/d/e/4");
  Put("a/2", "v2");
  fs::remove(root_ / "a/b/1");
  Settle();
  EXPECT_EQ(VersionOf("a/b/1"), "");
  EXPECT_EQ(VersionOf("a/2"), "v2");
  EXPECT_EQ(VersionOf("a/b/3"), "v1");
  EXPECT_EQ(VersionOf("c/d/e/4"), "v1");
  std::ofstream(root_ / "a/2") << "v3";  // In place.
  Settle();
  EXPECT_EQ(VersionOf("a/2"), "v3");
}

TEST_F(TreeWatchTest, FoldersMoveAndAreReplacedAsAWhole) {
  Put("a/b/1");
  Put("c/b/1", "other");
  Start();
  Settle();
  fs::rename(root_ / "a", root_ / "moved");
  fs::rename(root_ / "c", root_ / "a");
  Settle();
  EXPECT_EQ(VersionOf("a/b/1"), "other");
  EXPECT_EQ(VersionOf("moved/b/1"), "v1");
  EXPECT_EQ(VersionOf("c/b/1"), "");
  Put("moved/b/2");
  Put("a/b/2");
  fs::rename(root_ / "moved", top_ / "away");
  std::ofstream(top_ / "away/b/3") << "not ours";
  Settle();
  EXPECT_EQ(VersionOf("a/b/2"), "v1");
  EXPECT_EQ(held_.files(), 2u);
  fs::remove_all(root_ / "a");
  Settle();
  EXPECT_EQ(held_.files(), 0u);
}

TEST_F(TreeWatchTest, AnOverflowIsFollowedByAScan) {
  // More than the kernel keeps of events, while nobody can read one.
  constexpr int kFiles = 30000;
  Put("a/first");
  Start();
  Settle();
  reader_.gated = true;
  for (int i = 0; i < kFiles; ++i) std::ofstream(root_ / "a" / std::to_string(i)) << "v1";
  fs::remove(root_ / "a/first");
  reader_.open.Notify();
  Settle();
  EXPECT_GE(Metric("strata_engine_watch_overflows_total"), 1);
  EXPECT_EQ(held_.files(), static_cast<size_t>(kFiles));
  EXPECT_EQ(VersionOf("a/first"), "");
}

TEST_F(TreeWatchTest, ChangesDuringAScanAreNotLost) {
  for (int i = 0; i < 2000; ++i) Put(std::to_string(i % 50) + "/" + std::to_string(i));
  Start();
  for (int round = 0; round < 5; ++round) {
    watch_->Rescan();
    for (int i = 0; i < 2000; i += 7) {
      const std::string path = std::to_string(i % 50) + "/" + std::to_string(i);
      if (i % 3 == 0) {
        fs::remove(root_ / path);
      } else {
        Put(path, "round " + std::to_string(round));
      }
    }
  }
  Settle();
  for (int i = 0; i < 2000; ++i) {
    const std::string path = std::to_string(i % 50) + "/" + std::to_string(i);
    const bool touched = i % 7 == 0;
    EXPECT_EQ(VersionOf(path), !touched ? "v1" : i % 3 == 0 ? "" : "round 4") << path;
  }
}

TEST_F(TreeWatchTest, ARootMayComeLate) {
  fs::remove(root_);
  Start();
  Settle();
  EXPECT_EQ(held_.files(), 0u);
  Put("a/1");
  const Timestamp until = Now() + kPatience;
  while (held_.files() == 0 && Now() < until) std::this_thread::yield();
  EXPECT_EQ(VersionOf("a/1"), "v1");
}

TEST_F(TreeWatchTest, ALinkDirectlyBelowTheRootIsFollowed) {
  fs::create_directories(top_ / "elsewhere/x");
  std::ofstream(top_ / "elsewhere/x/1") << "v1";
  fs::create_directory_symlink(top_ / "elsewhere", root_ / "link");
  Start();
  Settle();
  EXPECT_EQ(VersionOf("link/x/1"), "v1");
  fs::remove(root_ / "link");
  Settle();
  EXPECT_EQ(held_.files(), 0u);
  fs::create_directory_symlink(top_ / "elsewhere", root_ / "again");
  Settle();
  EXPECT_EQ(VersionOf("again/x/1"), "v1");
}

}  // namespace
}  // namespace strata::engine
