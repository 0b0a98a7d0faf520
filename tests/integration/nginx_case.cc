#include "tests/integration/nginx_case.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "farm/content_identity.h"
#include "multicast/driver/private_network.h"

namespace strata::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience(20);

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

}  // namespace

bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

Fetched Fetch(const std::string& target, const Ask& ask) {
  Fetched fetched;
  const int fd = Connect(ask.port);
  if (fd < 0) return fetched;
  std::string request = ask.method + " " + target + " HTTP/1.1\r\nHost: " + ask.host +
                        "\r\nConnection: close\r\n" + ask.headers;
  if (!ask.body.empty()) request += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  request += "\r\n" + ask.body;
  std::string answer;
  char buffer[65536];
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
      answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos || answer.size() < 12) return fetched;
  fetched.status = std::stoi(answer.substr(9, 3));
  fetched.head = answer.substr(0, end + 2);
  fetched.body = answer.substr(end + 4);
  return fetched;
}

bool Says(const Fetched& fetched, const std::string& header) {
  return fetched.head.find("\r\n" + header + "\r\n") != std::string::npos;
}

farm::Site Films() {
  farm::Site site;
  site.name = "films";
  site.version = 1;
  site.hosts = {"films.example", "www.films.example"};
  return site;
}

std::string Uri(const std::string& target) { return "http://films.example" + target; }

farm::ContentKey Key(const std::string& target) { return farm::KeyOf(Uri(target)); }

void WriteFile(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

NginxAdapterOptions OptionsBelow(const fs::path& folder) {
  NginxAdapterOptions options;
  options.engine = "north-1";
  options.clients = {{IpAddress::V4(127, 0, 0, 1), kClients, 0}};
  options.peers = {{IpAddress::V4(127, 0, 0, 1), kPeers, 0}};
  options.folder = (folder / "nginx").string();
  options.cache_folder = (folder / "cache").string();
  options.library_folder = (folder / "library").string();
  options.log_folder = (folder / "logs").string();
  options.agent_socket = (folder / "agent.sock").string();
  options.workers = 2;
  options.free_bytes_least = 1 << 20;
  options.probe_interval = milliseconds(50);
  options.probe_limit = milliseconds(500);
  return options;
}

int RunInPrivateNetwork(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!multicast::EnterPrivateNetwork()) {
    std::fprintf(stderr, "no network of its own\n");
    return 1;
  }
  return RUN_ALL_TESTS();
}

void NginxCase::SetUp() {
  char name[] = "/tmp/strata-adapter-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  folder_ = name;
  agent_ = std::make_unique<FakeAgent>((folder_ / "agent.sock").string());
  fs::create_directory(folder_ / "library");
}

void NginxCase::TearDown() {
  adapter_.reset();
  agent_.reset();
  fs::remove_all(folder_);
}

void NginxCase::StartWith(const std::vector<farm::Site>& sites,
                          const NginxAdapterOptions& options) {
  metrics_ = std::make_unique<MetricRegistry>();
  NginxAdapterCallbacks callbacks;
  callbacks.on_requests = [this](std::span<const FinishedRequest> requests) {
    std::lock_guard lock(mu_);
    for (const FinishedRequest& request : requests) {
      requests_.push_back({std::string(request.site), std::string(request.entry),
                           std::string(request.target), request.status});
    }
  };
  callbacks.on_death = [this](const std::string&) { ++deaths_; };
  auto adapter = NginxAdapter::Start(options, sites, callbacks, *metrics_);
  ASSERT_TRUE(adapter.ok()) << MessageOf(adapter.status());
  adapter_ = *std::move(adapter);
  ASSERT_TRUE(Eventually([this] { return adapter_->ScanComplete(); }));
}

void NginxCase::AwaitHeld(const std::string& target) {
  EXPECT_TRUE(Eventually([&] { return Holds(target); })) << target << "\n" << ErrorLog();
}

void NginxCase::AwaitGone(const std::string& target) {
  EXPECT_TRUE(Eventually([&] { return !Holds(target); })) << target;
}

void NginxCase::Fill(const std::string& target, const std::string& body) {
  FakeAgent::Content content;
  content.body = body;
  agent_->Set(Uri(target), content);
  EXPECT_EQ(Fetch(target).body, body) << ErrorLog();
  AwaitHeld(target);
}

StatusOr<size_t> NginxCase::Purge(const std::string& target) {
  const farm::ContentKey key = Key(target);
  return adapter_->Purge(std::span(&key, 1));
}

std::string NginxCase::ErrorLog() const {
  std::ifstream file(folder_ / "logs/error.log");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

pid_t NginxCase::Master() const {
  pid_t pid = 0;
  std::ifstream(folder_ / "nginx/nginx.pid") >> pid;
  return pid;
}

double NginxCase::Metric(const std::string& name) const {
  double sum = 0;
  for (const MetricSample& sample : metrics_->Samples()) {
    if (sample.name == name) sum += sample.value;
  }
  return sum;
}

std::vector<fs::path> NginxCase::CacheFiles() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

}  // namespace strata::engine
