#include "service_engine/adapters/nginx/access_log_tail.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000);

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class AccessLogTailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-tail-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ / "requests.log";
    Start();
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Another life of the engine.
  void Start() {
    tail_.reset();
    metrics_ = std::make_unique<MetricRegistry>();
    logs_ = std::make_unique<OperatorLogs>(folder_.string(), limits_, *metrics_);
    tail_ = std::make_unique<AccessLogTail>(
        AccessLogTailOptions{path_.string(), 400},
        [this] {
          ++reopened_;
          return Ok();
        },
        *logs_, *metrics_);
  }
  static std::string Line(const std::string& target, const std::string& entry = "host",
                          const std::string& site = "films") {
    return site + "\t" + entry + "\tHIT\t0.001\t100\t200\t192.0.2.1\tGET\t" + target + "\tGET " +
           target + "\n";
  }
  size_t Turn() {
    size_t told = 0;
    tail_->Turn(kNow, [&told](std::span<const FinishedRequest> some) { told += some.size(); });
    return told;
  }
  double Metric(const std::string& name) const {
    for (const MetricSample& sample : metrics_->Samples()) {
      if (sample.name == name) return sample.value;
    }
    return -1;
  }

  LogLimits limits_{.bytes_max = 1000, .kept = 2};
  fs::path folder_;
  fs::path path_;
  std::unique_ptr<MetricRegistry> metrics_;
  std::unique_ptr<OperatorLogs> logs_;
  std::unique_ptr<AccessLogTail> tail_;
  int reopened_ = 0;
};

TEST_F(AccessLogTailTest, FollowsTheFileFromItsStart) {
  EXPECT_EQ(Turn(), 0u);
  std::ofstream log(path_, std::ios::app);
  log << Line("/a") << Line("/b") << "films\tho" << std::flush;
  EXPECT_EQ(Turn(), 2u);
  log << Line("/c").substr(8) << std::flush;
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(tail_->lines(), 3u);
  EXPECT_EQ(tail_->bytes(), 300u);
}

TEST_F(AccessLogTailTest, ClientsRequestsAreInTheirSitesLogInTheOperatorsFormat) {
  std::ofstream(path_) << Line("/a") << Line("/b", "path") << Line("/c", "peer")
                       << Line("/d", "peer-fill") << Line("/e", "host", "news")
                       << Line("/f", "host", "-");
  EXPECT_EQ(Turn(), 6u);
  EXPECT_EQ(ReadAll(folder_ / "films.access.log"), "GET /a\nGET /b\n");
  EXPECT_EQ(ReadAll(folder_ / "news.access.log"), "GET /e\n");
  EXPECT_FALSE(fs::exists(folder_ / "-.access.log"));
}

TEST_F(AccessLogTailTest, ASitesLogIsRotatedAndSoManyAreKept) {
  const std::string target = "/" + std::string(100, 'x');
  for (int i = 0; i < 60; ++i) {
    std::ofstream(path_, std::ios::app) << Line(target);
    // Whoever writes requests.log has closed it: one turn ends a rotation, the next goes on.
    Turn();
    Turn();
  }
  EXPECT_EQ(Metric("strata_engine_operator_log_rotations_total"), 6);
  EXPECT_TRUE(fs::exists(folder_ / "films.access.log.1"));
  EXPECT_TRUE(fs::exists(folder_ / "films.access.log.2"));
  EXPECT_FALSE(fs::exists(folder_ / "films.access.log.3"));
  EXPECT_EQ(fs::file_size(folder_ / "films.access.log.1"), 10 * (target.size() + 5));
}

TEST_F(AccessLogTailTest, AnOperatorMayMoveASitesLogAway) {
  std::ofstream log(path_, std::ios::app);
  log << Line("/a") << std::flush;
  Turn();
  fs::rename(folder_ / "films.access.log", folder_ / "mine");
  log << Line("/b") << std::flush;
  Turn();
  EXPECT_EQ(ReadAll(folder_ / "mine"), "GET /a\n");
  EXPECT_EQ(ReadAll(folder_ / "films.access.log"), "GET /b\n");
}

TEST_F(AccessLogTailTest, ALinkInPlaceOfASitesLogIsNotFollowedAndLostLinesAreCounted) {
  std::ofstream(folder_ / "secret") << "mine";
  fs::create_symlink(folder_ / "secret", folder_ / "films.access.log");
  std::ofstream(path_) << Line("/a") << Line("/b");
  EXPECT_EQ(Turn(), 2u);
  EXPECT_EQ(ReadAll(folder_ / "secret"), "mine");
  EXPECT_EQ(Metric("strata_engine_operator_log_lost_lines_total"), 2);
}

TEST_F(AccessLogTailTest, WhatIsNoNameOfASiteIsNoPath) {
  fs::create_directory(folder_ / "sub");
  std::ofstream(path_) << Line("/a", "host", "sub/films") << Line("/a", "host", "../films");
  EXPECT_EQ(Turn(), 2u);
  EXPECT_TRUE(fs::is_empty(folder_ / "sub"));
  EXPECT_FALSE(fs::exists(folder_.parent_path() / "films.access.log"));
  EXPECT_EQ(Metric("strata_engine_operator_log_lost_lines_total"), 2);
}

TEST_F(AccessLogTailTest, ARotatedFileIsReadUntilNobodyWritesIt) {
  std::ofstream log(path_, std::ios::app);
  for (int i = 0; i < 10; ++i) log << Line("/a");
  log.flush();
  EXPECT_EQ(Turn(), 10u);
  EXPECT_EQ(reopened_, 1);
  EXPECT_FALSE(fs::exists(path_));
  std::ofstream next(path_, std::ios::app);  // One worker has opened the new one,
  next << Line("/c") << std::flush;
  log << Line("/b") << std::flush;  // and another still writes the old one.
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(Turn(), 0u);
  log << Line("/b") << std::flush;
  log.close();
  EXPECT_EQ(Turn(), 2u);
  EXPECT_FALSE(fs::exists(path_.string() + ".rotated"));
  EXPECT_EQ(tail_->lines(), 13u);
}

TEST_F(AccessLogTailTest, ANextLifeGoesOnWhereOneWasKilled) {
  std::ofstream log(path_, std::ios::app);
  log << Line("/a") << std::flush;
  EXPECT_EQ(Turn(), 1u);
  log << Line("/b") << std::flush;
  Start();
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(ReadAll(folder_ / "films.access.log"), "GET /a\nGET /b\n");
}

TEST_F(AccessLogTailTest, ANextLifeEndsARotation) {
  std::ofstream log(path_, std::ios::app);
  for (int i = 0; i < 10; ++i) log << Line("/a");
  log.flush();
  EXPECT_EQ(Turn(), 10u);
  log << Line("/b") << std::flush;
  log.close();
  std::ofstream(path_) << Line("/c");
  Start();
  EXPECT_EQ(Turn(), 2u);
  EXPECT_FALSE(fs::exists(path_.string() + ".rotated"));
}

TEST_F(AccessLogTailTest, ALineThatIsLongerThanARead) {
  std::ofstream(path_) << Line("/a") << Line("/" + std::string(200'000, 'x')) << Line("/b");
  EXPECT_EQ(Turn(), 3u);
}

TEST_F(AccessLogTailTest, AFileThatWasCutToNothingIsReadFromItsStart) {
  std::ofstream(path_) << Line("/a") << Line("/b");
  EXPECT_EQ(Turn(), 2u);
  std::ofstream(path_, std::ios::trunc) << Line("/c");
  EXPECT_EQ(Turn(), 1u);
}

}  // namespace
}  // namespace strata::engine
