#include "common/process/status_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>

namespace strata {
namespace {

// The whole answer to one request.
std::string Ask(const Endpoint& server, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(server.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 &&
      send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
    char bytes[4096];
    for (ssize_t n; (n = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
      answer.append(bytes, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

class StatusServerTest : public ::testing::Test {
 protected:
  StatusServerTest() {
    auto server =
        StatusServer::Start({.ip = IpAddress::V4(127, 0, 0, 1), .port = 0}, metrics_, [this] {
          HealthReport report(well_ ? Ok() : Unavailable("no disk"));
          report.facts = {{"members", "5"}, {"view", "7"}};
          return report;
        });
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    if (server.ok()) server_ = *std::move(server);
  }
  std::string Get(const std::string& target) {
    return Ask(server_->endpoint(), "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  }

  MetricRegistry metrics_;
  std::atomic<bool> well_ = true;
  std::unique_ptr<StatusServer> server_;
};

TEST_F(StatusServerTest, ShowsMetrics) {
  metrics_.AddCounter({.name = "strata_test_things_total", .help = "Things."}).Add(7);
  const std::string answer = Get("/metrics");
  EXPECT_NE(answer.find("HTTP/1.1 200"), std::string::npos) << answer;
  EXPECT_NE(answer.find("strata_test_things_total 7"), std::string::npos) << answer;
}

TEST_F(StatusServerTest, SaysHowTheProcessIs) {
  EXPECT_NE(Get("/healthz").find("200 OK"), std::string::npos);
  EXPECT_TRUE(Get("/healthz").ends_with("\r\n\r\nok\nmembers: 5\nview: 7\n"));
  well_ = false;
  const std::string answer = Get("/healthz");
  EXPECT_NE(answer.find("503"), std::string::npos) << answer;
  EXPECT_NE(answer.find("no disk"), std::string::npos) << answer;
}

TEST_F(StatusServerTest, RefusesTheRest) {
  EXPECT_NE(Get("/").find("404"), std::string::npos);
  EXPECT_NE(Ask(server_->endpoint(), "POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n").find("405"),
            std::string::npos);
  EXPECT_EQ(Ask(server_->endpoint(), "nonsense\r\n\r\n"), "");
}

TEST_F(StatusServerTest, TellsWhereItCannotListen) {
  const auto second = StatusServer::Start(server_->endpoint(), metrics_, [] { return Ok(); });
  ASSERT_FALSE(second.ok());
  EXPECT_NE(MessageOf(second.status()).find(ToString(server_->endpoint())), std::string::npos);
}

}  // namespace
}  // namespace strata
