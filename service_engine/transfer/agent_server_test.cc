#include "service_engine/transfer/agent_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/testing/loopback_listener.h"
#include "farm/content_identity.h"

namespace strata::engine::transfer {
namespace {

namespace fs = std::filesystem;

// A table with one site and no origin that answers.
class SmallTable final : public AgentTable {
 public:
  SmallTable() {
    site_ = std::make_shared<farm::Site>();
    site_->name = "films";
    site_->hosts = {"films.example"};
    site_->negative_ttl = std::chrono::seconds(10);
    site_->origins = {farm::Origin{.host = "127.0.0.1", .port = 9, .host_header = ""}};
  }
  std::shared_ptr<const farm::Site> SiteOfHost(std::string_view host) override {
    return host == "films.example" && !removed_ ? site_ : nullptr;
  }
  std::vector<Peer> Holders(const farm::ContentKey& /*key*/, uint64_t /*draw*/) override {
    return {};
  }
  std::vector<Peer> Fillers(const farm::ContentKey& /*key*/) override { return {}; }
  bool IsMember(const IpAddress& /*address*/) override { return false; }
  void PeerLacks(farm::EngineId /*engine*/, const farm::ContentKey& /*key*/) override {}
  void Invalidate(const farm::ContentKey& /*key*/, std::function<void()> done) override { done(); }

  // Another who knows the holders: none, told from another thread.
  bool KnowsHolders() const override { return !asks_; }
  void AskHolders(const farm::ContentKey& /*key*/, uint64_t /*draw*/, TakeHolders done) override {
    ++asked_;
    if (knower_.joinable()) knower_.join();
    knower_ = std::thread([done = std::move(done)] {
      Peer peer{farm::EngineId(7), "seven", {}, {}};
      peer.peers.push_back({IpAddress::V4(192, 0, 2, 7), 8081});
      done({peer});
    });
  }
  ~SmallTable() override {
    if (knower_.joinable()) knower_.join();
  }
  void AskAnother() {
    asks_ = true;
    site_->mode = farm::Site::Mode::kForward;
  }
  int asked() const { return asked_; }

  void SetOriginPort(uint16_t port) { site_->origins.front().port = port; }
  void RemoveSite() { removed_ = true; }

 private:
  std::shared_ptr<farm::Site> site_;
  std::atomic<bool> removed_ = false;
  std::atomic<bool> asks_ = false;
  std::atomic<int> asked_ = 0;
  std::thread knower_;
};

class AgentServerTest : public ::testing::Test {
 protected:
  AgentServerTest() {
    char name[] = "/tmp/strata-agent-XXXXXX";
    folder_ = mkdtemp(name);
    options_.socket_path = folder_ / "agent.sock";
    options_.spool_folder = folder_;
    options_.self = farm::EngineId(1);
    options_.self_name = "one";
    options_.loop_token = "strata-test";
  }
  ~AgentServerTest() override {
    server_.reset();
    fs::remove_all(folder_);
  }

  Status Start() {
    metrics_ = std::make_unique<MetricRegistry>();
    auto server = AgentServer::Start(options_, table_, *metrics_);
    if (server.ok()) server_ = *std::move(server);
    return server.status();
  }
  int Connect() {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, options_.socket_path.c_str(), sizeof(to.sun_path) - 1);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
    return fd;
  }
  // All that is answered until the agent closes, or, with `until`, until that has come.
  std::string Ask(const std::string& request, const std::string& until = "") {
    const int fd = Connect();
    EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    while (until.empty() || answer.find(until) == std::string::npos) {
      const ssize_t n = read(fd, buffer, sizeof(buffer));
      if (n <= 0) break;
      answer.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return answer;
  }
  static std::string Lines(const std::string& form = "direct") {
    return "Host: films.example\r\nStrata-Site: films.example\r\nStrata-Target: /film\r\n"
           "Strata-Form: " +
           form + "\r\nStrata-Client: 192.0.2.1\r\n";
  }
  static bool Says(const std::string& answer, int status) {
    return answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
  }

  fs::path folder_;
  AgentOptions options_;
  SmallTable table_;
  std::unique_ptr<MetricRegistry> metrics_;
  std::unique_ptr<AgentServer> server_;
};

TEST_F(AgentServerTest, OptionsThatDoNotFitAreRefused) {
  const AgentOptions good = options_;
  options_.threads = 0;
  EXPECT_EQ(Start().code(), StatusCode::kInvalidArgument);
  options_ = good;
  options_.socket_path = std::string(200, 'x');
  EXPECT_EQ(Start().code(), StatusCode::kInvalidArgument);
  options_ = good;
  options_.loop_token.clear();
  EXPECT_EQ(Start().code(), StatusCode::kInvalidArgument);
  options_ = good;
  options_.spool_folder = "/nowhere";
  EXPECT_EQ(Start().code(), StatusCode::kUnavailable);
  options_ = good;
  options_.extra_ca_file = "/nowhere";
  EXPECT_EQ(Start().code(), StatusCode::kInvalidArgument);
}

TEST_F(AgentServerTest, ADeadAgentsSocketIsReplacedALivingOnesIsNot) {
  ASSERT_TRUE(Start().ok());
  struct stat found {};
  ASSERT_EQ(stat(options_.socket_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, options_.socket_mode);
  const auto its_metrics = std::move(metrics_);  // Which have to outlive it.
  auto first = std::move(server_);
  EXPECT_EQ(Start().code(), StatusCode::kAlreadyExists);
  first->Stop();
  EXPECT_FALSE(fs::exists(options_.socket_path));
  const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, options_.socket_path.c_str(), sizeof(at.sun_path) - 1);
  ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
  close(dead);
  EXPECT_TRUE(Start().ok());
}

TEST_F(AgentServerTest, AFileAtTheSocketsPlaceStays) {
  std::ofstream(options_.socket_path) << "precious";
  EXPECT_EQ(Start().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs::file_size(options_.socket_path), 8u);
}

TEST_F(AgentServerTest, WhatIsNoRequestOfTheContractIsRefused) {
  ASSERT_TRUE(Start().ok());
  const std::string end = "\r\n\r\n";
  EXPECT_TRUE(Says(Ask("what?\r\n\r\n"), 400));
  EXPECT_TRUE(Says(Ask("GET /other HTTP/1.1\r\n" + Lines() + "\r\n", end), 404));
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.0\r\n" + Lines() + "\r\n", end), 505));
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.1\r\nHost: x\r\n\r\n", end), 400));
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.1\r\n" + Lines("sideways") + "\r\n", end), 400));
  EXPECT_TRUE(Says(Ask("GET /fill HTTP/1.1\r\n" + Lines() + "Strata-Fill: x\r\n\r\n", end), 400));
  const std::string long_line = "X: " + std::string(70000, 'x') + "\r\n\r\n";
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.1\r\n" + Lines() + long_line), 431));
}

TEST_F(AgentServerTest, HopFormsCountFromMembersOnly) {
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.1\r\n" + Lines("peer") + "\r\n", "\r\n\r\n"), 403));
}

TEST_F(AgentServerTest, AMissLeadsToAFillThatTellsWhyItFailed) {
  ASSERT_TRUE(Start().ok());
  const std::string miss = Ask("GET /miss HTTP/1.1\r\n" + Lines() + "\r\n", "\r\n\r\n");
  EXPECT_NE(miss.find("X-Accel-Redirect: /_strata/fill\r\n"), std::string::npos);
  EXPECT_NE(miss.find("Strata-Key: http://films.example/film\r\n"), std::string::npos);
  EXPECT_NE(miss.find("Strata-Fill: 1\r\n"), std::string::npos);
  const std::string fill =
      Ask("GET /fill HTTP/1.1\r\n" + Lines() + "Strata-Fill: 1\r\n\r\n", "\r\n\r\n");
  EXPECT_TRUE(Says(fill, 502)) << fill;
  EXPECT_NE(fill.find("X-Accel-Expires: 10\r\n"), std::string::npos);
  EXPECT_NE(fill.find("Connection: close\r\n"), std::string::npos);
}

TEST_F(AgentServerTest, AnOldCopyIsLeftToNginx) {
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(Ask("GET /fill HTTP/1.1\r\n" + Lines() + "Strata-Cached: EXPIRED\r\n\r\n"), "");
}

TEST_F(AgentServerTest, RequestsFollowEachOtherOnOneConnection) {
  ASSERT_TRUE(Start().ok());
  const std::string peer = "GET /miss HTTP/1.1\r\n" + Lines("peer") + "\r\n";
  const std::string miss = "HEAD /miss HTTP/1.1\r\n" + Lines() + "\r\n";
  const std::string answers = Ask(peer + peer + miss, "Strata-Fill: 1\r\n");
  EXPECT_TRUE(Says(answers, 403));
  EXPECT_NE(answers.find("HTTP/1.1 403", 1), std::string::npos);
}

TEST_F(AgentServerTest, ATableThatDoesNotKnowTheHoldersAsksForThem) {
  table_.AskAnother();
  ASSERT_TRUE(Start().ok());
  const std::string miss = Ask("GET /miss HTTP/1.1\r\n" + Lines() + "\r\n", "\r\n\r\n");
  EXPECT_NE(miss.find("X-Accel-Redirect: /_strata/peer\r\n"), std::string::npos) << miss;
  EXPECT_NE(miss.find("Strata-Peer: 192.0.2.7:8081\r\n"), std::string::npos) << miss;
  EXPECT_EQ(table_.asked(), 1);
  table_.RemoveSite();
  EXPECT_TRUE(Says(Ask("GET /miss HTTP/1.1\r\n" + Lines() + "\r\n", "\r\n\r\n"), 404));
}

TEST_F(AgentServerTest, NothingIsFetchedAnyMoreForASiteThatIsRemoved) {
  const LoopbackListener origin;
  table_.SetOriginPort(origin.endpoint().port);
  ASSERT_TRUE(Start().ok());
  Ask("GET /miss HTTP/1.1\r\n" + Lines() + "\r\n", "\r\n\r\n");
  EXPECT_EQ(server_->fetches(), 1u);
  EXPECT_TRUE(server_->EndFetchesOf("songs").ok());
  EXPECT_EQ(server_->fetches(), 1u);
  std::string waiting = "not answered";
  std::thread client([&] {
    waiting = Ask("GET /fill HTTP/1.1\r\n" + Lines() + "Strata-Fill: 1\r\n\r\n", "\r\n\r\n");
  });
  table_.RemoveSite();
  EXPECT_TRUE(server_->EndFetchesOf("films").ok());
  client.join();
  EXPECT_TRUE(waiting.empty() || Says(waiting, 404)) << waiting;
  EXPECT_EQ(server_->fetches(), 0u);
  EXPECT_TRUE(
      Says(Ask("GET /fill HTTP/1.1\r\n" + Lines() + "Strata-Fill: 1\r\n\r\n", "\r\n\r\n"), 404));
}

TEST_F(AgentServerTest, APurgeOfWhatIsNotFetchedIsDoneAtOnce) {
  ASSERT_TRUE(Start().ok());
  const std::vector<farm::ContentKey> keys = {farm::KeyOf("http://films.example/film")};
  EXPECT_TRUE(server_->EndFetches(keys).ok());
  EXPECT_EQ(server_->fetches(), 0u);
}

}  // namespace
}  // namespace strata::engine::transfer
