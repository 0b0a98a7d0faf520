#include "common/distinct_log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>
#include <thread>
#include <vector>

namespace strata {
namespace {

class DistinctLogTest : public testing::Test {
 protected:
  // The lines since the last call, each without time and component.
  std::vector<std::string> Written() {
    std::istringstream text(out_.str());
    out_.str("");
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
      lines.push_back(line.substr(line.find("event=")));
    }
    return lines;
  }

  std::ostringstream out_;
  DistinctLog log_{Logger("wire", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_))};
};

TEST_F(DistinctLogTest, WritesTheFirstTheTenthTheHundredth) {
  for (int i = 1; i <= 250; ++i) log_.Warning("dropped", "truncated", {{"size", i}});
  EXPECT_EQ(Written(), (std::vector<std::string>{
                           "event=dropped kind=truncated count=1 size=1",
                           "event=dropped kind=truncated count=10 size=10",
                           "event=dropped kind=truncated count=100 size=100",
                       }));
}

TEST_F(DistinctLogTest, CountsEachKindOnItsOwn) {
  log_.Warning("dropped", "truncated");
  log_.Error("dropped", "unknown version");
  log_.Error("refused", "truncated");
  EXPECT_EQ(Written(), (std::vector<std::string>{
                           "event=dropped kind=truncated count=1",
                           "event=dropped kind=\"unknown version\" count=1",
                           "event=refused kind=truncated count=1",
                       }));
}

TEST_F(DistinctLogTest, SharesOneCountAmongTheKindsBeyondItsLimit) {
  for (size_t i = 0; i < kDistinctKindsMax; ++i) log_.Error("kind", std::to_string(i));
  EXPECT_EQ(Written().size(), kDistinctKindsMax);
  for (size_t i = 0; i < 99; ++i) log_.Error("new", std::to_string(i));
  EXPECT_EQ(Written().size(), 2u);  // The 1st and the 10th of all of them.
  log_.Error("kind", "0");          // Still known: its second, not worth a line.
  EXPECT_TRUE(Written().empty());
}

TEST_F(DistinctLogTest, CountsTheCallsOfAllThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 250; ++i) log_.Warning("dropped", "truncated");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Written().size(), 4u);  // 1, 10, 100, 1000.
}

}  // namespace
}  // namespace strata
