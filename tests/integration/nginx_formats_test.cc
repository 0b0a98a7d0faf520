#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>

#include "multicast/driver/private_network.h"
#include "service_engine/core/access_log.h"
#include "service_engine/core/nginx_cache_file.h"
#include "service_engine/core/nginx_status.h"

// What service_engine/core believes of nginx, asked of the nginx that is installed: its cache
// files, its log, its status page. In a network of its own, so the ports are free.

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNginx = "/usr/sbin/nginx";
constexpr uint16_t kCachePort = 8080;
constexpr uint16_t kOriginPort = 8081;
constexpr std::chrono::seconds kPatience(20);

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// A connection to a port of 127.0.0.1; -1 if nobody listens.
int Connect(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return fd;
  close(fd);
  return -1;
}

// The whole answer; empty if there was none.
std::string Fetch(const std::string& target, const std::string& headers = "",
                  uint16_t port = kCachePort) {
  const int fd = Connect(port);
  if (fd < 0) return "";
  const std::string request = "GET " + target +
                              " HTTP/1.1\r\nHost: films.example\r\nConnection: close\r\n" +
                              headers + "\r\n";
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

class NginxFormatsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-nginx-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    fs::create_directory(folder_ / "www");
    std::ofstream(folder_ / "www/film.txt") << "a film of 20 letters";
    std::ofstream(folder_ / "nginx.conf") << Configuration();
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      const std::string config = (folder_ / "nginx.conf").string();
      const std::string errors = (folder_ / "error.log").string();
      execl(kNginx, kNginx, "-e", errors.c_str(), "-p", folder_.c_str(), "-c", config.c_str(),
            nullptr);
      _exit(127);
    }
    const auto until = std::chrono::steady_clock::now() + kPatience;
    int fd = -1;
    while ((fd = Connect(kCachePort)) < 0 && std::chrono::steady_clock::now() < until) {
      ASSERT_EQ(waitpid(pid_, nullptr, WNOHANG), 0) << ReadFile(folder_ / "error.log");
      std::this_thread::yield();
    }
    ASSERT_GE(fd, 0);
    close(fd);
  }
  void TearDown() override {
    Stop();
    fs::remove_all(folder_);
  }
  // Ends nginx, which then has written all of its log.
  void Stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGQUIT);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  std::string Configuration() const {
    const std::string here = folder_.string();
    return "user root root; daemon off; master_process off; pid " + here + "/pid; error_log " +
           here + "/error.log;\nevents {}\nhttp {\n  client_body_temp_path " + here +
           "/body; proxy_temp_path " + here + "/temp; fastcgi_temp_path " + here +
           "/f; uwsgi_temp_path " + here + "/u; scgi_temp_path " + here +
           "/s;\n  proxy_cache_path " + here +
           "/cache levels=1:2 keys_zone=z:1m use_temp_path=off;\n"
           "  log_format strata '" +
           AccessLogFormat("films", kEntryHost, "$request_uri") +
           "$request';\n  access_log off;\n  server {\n    listen 127.0.0.1:" +
           std::to_string(kOriginPort) + ";\n    root " + here +
           "/www;\n    location /varies { add_header Vary Accept-Language; try_files /film.txt "
           "=404; "
           "}\n    location /moved { return 302 /film.txt; }\n  }\n  server {\n    listen "
           "127.0.0.1:" +
           std::to_string(kCachePort) + ";\n    access_log " + here +
           "/access.log strata;\n    location = /status { stub_status; }\n    location / {\n"
           "      proxy_pass http://127.0.0.1:" +
           std::to_string(kOriginPort) +
           ";\n      proxy_cache z; proxy_cache_key http://$host$request_uri;\n"
           "      proxy_cache_valid any 5m;\n    }\n  }\n}\n";
  }
  // Every file in the cache, parsed, by key; the variants of one key lie together.
  std::multimap<std::string, NginxCacheFile> CacheFiles() {
    std::multimap<std::string, NginxCacheFile> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
      if (!entry.is_regular_file()) continue;
      const std::string content = ReadFile(entry.path());
      const auto file = ParseNginxCacheFile(AsBytes(content));
      EXPECT_TRUE(file.ok()) << file.status().ToString();
      if (!file.ok()) continue;
      if (file->content_length) {
        EXPECT_EQ(content.size() - file->body_start, *file->content_length) << file->key;
      }
      files.emplace(file->key, *file);
    }
    return files;
  }

  fs::path folder_;
  pid_t pid_ = 0;
};

TEST_F(NginxFormatsTest, CacheFilesSayWhatTheyHold) {
  EXPECT_NE(Fetch("/film.txt?t=%41").find("a film of 20 letters"), std::string::npos);
  Fetch("/varies", "Accept-Language: de\r\n");
  Fetch("/varies", "Accept-Language: en\r\n");
  Fetch("/moved");
  Fetch("/nowhere");
  const auto files = CacheFiles();
  EXPECT_EQ(files.size(), 5u);
  const auto film = files.find("http://films.example/film.txt?t=%41");
  ASSERT_NE(film, files.end());
  EXPECT_EQ(film->second.status, 200);
  EXPECT_EQ(film->second.content_length, 20u);
  EXPECT_FALSE(film->second.Validator().empty());
  EXPECT_NEAR(static_cast<double>(film->second.valid_until),
              static_cast<double>(time(nullptr)) + 300, 60);
  const auto [first, last] = files.equal_range("http://films.example/varies");
  ASSERT_EQ(std::distance(first, last), 2);
  EXPECT_EQ(first->second.vary, "Accept-Language");
  EXPECT_NE(first->second.variant, std::next(first)->second.variant);
  EXPECT_FALSE(files.find("http://films.example/moved")->second.IsCopy());
  EXPECT_FALSE(files.find("http://films.example/nowhere")->second.IsCopy());
}

TEST_F(NginxFormatsTest, TheLogTellsEveryRequest) {
  Fetch("/film.txt");
  Fetch("/film.txt");
  Fetch("/odd\"name\xc3\xa9");
  Stop();
  AccessLogReader reader;
  std::vector<FinishedRequest> requests;
  const std::string text = ReadFile(folder_ / "access.log");
  EXPECT_EQ(reader.Read(text, requests), text.size());
  EXPECT_EQ(reader.broken(), 0u);
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].site, "films");
  EXPECT_EQ(requests[0].operator_line, "GET /film.txt HTTP/1.1");
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].target, "/film.txt");
  EXPECT_EQ(requests[0].cache, "MISS");
  EXPECT_EQ(requests[1].cache, "HIT");
  EXPECT_GT(requests[1].bytes, 20u);
  EXPECT_EQ(requests[1].client, "127.0.0.1");
  EXPECT_EQ(requests[2].target, "/odd\"name\xc3\xa9");
  EXPECT_EQ(requests[2].status, 404);
}

TEST_F(NginxFormatsTest, TheStatusPageIsRead) {
  const std::string answer = Fetch("/status");
  const size_t body = answer.find("\r\n\r\n");
  ASSERT_NE(body, std::string::npos);
  const auto status = ParseNginxStatus(answer.substr(body + 4));
  ASSERT_TRUE(status.ok()) << status.status().ToString();
  EXPECT_GE(status->requests, 1u);
  EXPECT_GE(status->active, 1u);
}

}  // namespace
}  // namespace strata::engine

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!strata::multicast::EnterPrivateNetwork()) {
    std::fprintf(stderr, "no network of its own\n");
    return 1;
  }
  return RUN_ALL_TESTS();
}
