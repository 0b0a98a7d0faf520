#include "service_engine/adapters/nginx/access_log_tail.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

constexpr Timestamp kNow = Timestamp::FromNanos(1'000'000'000);

class AccessLogTailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-tail-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ / "requests.log";
    std::ofstream(path_) << "of a former life\n";
    tail_ = std::make_unique<AccessLogTail>(
        AccessLogTailOptions{path_.string(), 400},
        [this] {
          ++reopened_;
          return Ok();
        },
        metrics_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::string Line(const std::string& target) {
    return "films.example\tGET\t" + target + "\t200\t0.001\t100\t192.0.2.1\tHIT\n";
  }
  size_t Turn() { return tail_->Turn(kNow).size(); }

  fs::path folder_;
  fs::path path_;
  MetricRegistry metrics_;
  std::unique_ptr<AccessLogTail> tail_;
  int reopened_ = 0;
};

TEST_F(AccessLogTailTest, FollowsTheFileFromItsStart) {
  EXPECT_EQ(Turn(), 0u);
  std::ofstream log(path_, std::ios::app);
  log << Line("/a") << Line("/b") << "films.exa" << std::flush;
  EXPECT_EQ(Turn(), 2u);
  log << Line("/c").substr(9) << std::flush;
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(tail_->lines(), 3u);
  EXPECT_EQ(tail_->bytes(), 300u);
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
  EXPECT_EQ(Turn(), 1u);
  EXPECT_EQ(Turn(), 1u);
  EXPECT_FALSE(fs::exists(path_.string() + ".rotated"));
  EXPECT_EQ(tail_->lines(), 13u);
}

}  // namespace
}  // namespace strata::engine
