#include "common/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "common/strong_id.h"

namespace strata {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals have no other way in.

using EngineId = StrongId<struct EngineIdTag, uint32_t>;

class LoggerTest : public testing::Test {
 protected:
  ~LoggerTest() override { Logger::SetLevel(LogLevel::kInfo); }

  // What was written since the last call, without the time.
  std::string Written() {
    const std::string text = out_.str();
    out_.str("");
    const size_t time_end = text.find(' ');
    return time_end == std::string::npos ? text : text.substr(time_end + 1);
  }

  std::ostringstream out_;
  Logger log_{"multicast", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)};
};

TEST_F(LoggerTest, WritesOneLineOfKeysAndValues) {
  log_.Info("view installed", {{"epoch", 7}, {"members", size_t{5}}, {"found", true}});
  EXPECT_EQ(Written(),
            "level=info component=multicast event=\"view installed\" epoch=7 members=5 "
            "found=true\n");
}

TEST_F(LoggerTest, StartsTheLineWithTheTimeInUtc) {
  log_.Error("halted");
  const std::regex line(
      "time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z level=error "
      "component=multicast event=halted\n");
  EXPECT_TRUE(std::regex_match(out_.str(), line)) << out_.str();
}

TEST_F(LoggerTest, WritesWhatHasAToString) {
  log_.Info("x", {{"engine", EngineId(9)},
                  {"status", NotFound("no site")},
                  {"level", LogLevel::kError},
                  {"took", 1500ms},
                  {"share", 0.25},
                  {"minus", -1}});
  EXPECT_EQ(Written(),
            "level=info component=multicast event=x engine=9 status=\"NOT_FOUND: no site\" "
            "level=error took=1.5 share=0.25 minus=-1\n");
}

TEST_F(LoggerTest, EscapesWhatCouldForgeALine) {
  log_.Info("a b", {{"peer", "x\nlevel=error"},
                    {"quote", "\"\\"},
                    {"nul", std::string(1, '\0')},
                    {"empty", ""},
                    {"utf8", "M\xc3\xbcnchen"},
                    {"bell", "\a\x7f"}});
  EXPECT_EQ(Written(),
            "level=info component=multicast event=\"a b\" peer=\"x\\nlevel=error\" "
            "quote=\"\\\"\\\\\" nul=\"\\x00\" empty=\"\" utf8=\"M\xc3\xbcnchen\" "
            "bell=\"\\x07\\x7f\"\n");
}

TEST_F(LoggerTest, CutsALongValue) {
  log_.Info("x", {{"uri", std::string(100000, 'u')}});
  EXPECT_LT(Written().size(), 2200u);
}

TEST_F(LoggerTest, WritesNothingBelowItsLevel) {
  log_.Debug("hidden");
  EXPECT_EQ(Written(), "");
  Logger::SetLevel(LogLevel::kDebug);
  log_.Debug("shown");
  EXPECT_EQ(Written(), "level=debug component=multicast event=shown\n");
  Logger::SetLevel(LogLevel::kError);
  log_.Warning("hidden");
  EXPECT_EQ(Written(), "");
  EXPECT_FALSE(Logger::IsEnabled(LogLevel::kWarning));
  EXPECT_TRUE(Logger::IsEnabled(LogLevel::kError));
}

TEST_F(LoggerTest, KeepsLinesOfManyThreadsWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = log_] {
      for (int i = 0; i < 200; ++i) copy.Info("tick", {{"n", 1}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(out_.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    ASSERT_EQ(line.substr(line.find(' ') + 1), "level=info component=multicast event=tick n=1");
  }
  EXPECT_EQ(count, 800);
}

TEST(LogLevelTest, IsReadByName) {
  EXPECT_EQ(ParseLogLevel("warning").value(), LogLevel::kWarning);
  EXPECT_EQ(MessageOf(ParseLogLevel("Warn").status()),
            "\"Warn\" is not a log level (debug, info, warning, error)");
}

}  // namespace
}  // namespace strata
