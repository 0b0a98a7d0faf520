#include "cli/http_get.h"

#include <gtest/gtest.h>

#include <chrono>

#include "common/metrics.h"
#include "common/process/status_server.h"

namespace strata::cli {
namespace {

constexpr std::chrono::seconds kLong(20);
constexpr Endpoint kAnyPort{.ip = IpAddress::V4(127, 0, 0, 1), .port = 0};

TEST(HttpGetTest, FetchesAStatusPage) {
  MetricRegistry metrics;
  metrics.AddCounter({.name = "strata_test_total", .help = "A test."}).Add();
  const auto server =
      StatusServer::Start(kAnyPort, metrics, [] { return HealthReport(Unavailable("no disk")); });
  ASSERT_TRUE(server.ok());
  const auto health = HttpGet((*server)->endpoint(), "/healthz", 1000, kLong);
  ASSERT_TRUE(health.ok()) << MessageOf(health.status());
  EXPECT_EQ(health->status, 503u);
  EXPECT_NE(health->body.find("no disk"), std::string::npos);
  const auto all = HttpGet((*server)->endpoint(), "/metrics", 10'000, kLong);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->status, 200u);
  EXPECT_NE(all->body.find("strata_test_total 1"), std::string::npos);
  EXPECT_EQ(HttpGet((*server)->endpoint(), "/metrics", 10, kLong).status().code(),
            StatusCode::kResourceExhausted);
}

TEST(HttpGetTest, SaysThatNobodyAnswers) {
  const auto answer = HttpGet({.ip = IpAddress::V4(127, 0, 0, 1), .port = 1}, "/", 10, kLong);
  EXPECT_EQ(answer.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(answer.status()).find("127.0.0.1:1: "), std::string::npos);
}

}  // namespace
}  // namespace strata::cli
