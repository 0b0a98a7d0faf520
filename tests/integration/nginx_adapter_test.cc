#include "service_engine/adapters/nginx/nginx_adapter.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "farm/content_identity.h"
#include "multicast/driver/private_network.h"
#include "tests/integration/fake_agent.h"

// The adapter with the nginx that is installed, in a network of its own; the agent is a fake.

namespace strata::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr uint16_t kClients = 8080;
constexpr uint16_t kPeers = 8081;
constexpr std::chrono::seconds kPatience(20);

bool Eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

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

struct Fetched {
  int status = 0;  // 0: no answer.
  std::string head;
  std::string body;
};

struct Ask {
  std::string host = "films.example";
  std::string headers = {};
  std::string method = "GET";
  uint16_t port = kClients;
  std::string body = {};
};

Fetched Fetch(const std::string& target, const Ask& ask = {}) {
  Fetched fetched;
  const int fd = Connect(ask.port);
  if (fd < 0) return fetched;
  std::string request = ask.method + " " + target + " HTTP/1.1\r\nHost: " + ask.host +
                        "\r\nConnection: close\r\n" + ask.headers;
  if (!ask.body.empty()) request += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  request += "\r\n" + ask.body;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return fetched;
  std::string answer;
  char buffer[65536];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
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

class NginxAdapterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/strata-adapter-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    agent_ = std::make_unique<FakeAgent>((folder_ / "agent.sock").string());
    fs::create_directory(folder_ / "library");
  }
  void TearDown() override {
    adapter_.reset();
    agent_.reset();
    fs::remove_all(folder_);
  }

  NginxAdapterOptions Options() const {
    NginxAdapterOptions options;
    options.engine = "north-1";
    options.clients = {{IpAddress::V4(127, 0, 0, 1), kClients, 0}};
    options.peers = {{IpAddress::V4(127, 0, 0, 1), kPeers, 0}};
    options.folder = (folder_ / "nginx").string();
    options.cache_folder = (folder_ / "cache").string();
    options.library_folder = (folder_ / "library").string();
    options.log_folder = (folder_ / "logs").string();
    options.agent_socket = (folder_ / "agent.sock").string();
    options.workers = 2;
    options.free_bytes_least = 1 << 20;
    options.probe_interval = milliseconds(50);
    options.probe_limit = milliseconds(500);
    return options;
  }
  void StartWith(const std::vector<farm::Site>& sites) { StartWith(sites, Options()); }
  void StartWith(const std::vector<farm::Site>& sites, const NginxAdapterOptions& options) {
    metrics_ = std::make_unique<MetricRegistry>();
    NginxAdapterCallbacks callbacks;
    callbacks.on_requests = [this](std::span<const FinishedRequest> requests) {
      std::lock_guard lock(mu_);
      requests_.insert(requests_.end(), requests.begin(), requests.end());
    };
    callbacks.on_death = [this](const std::string&) { ++deaths_; };
    auto adapter = NginxAdapter::Start(options, sites, callbacks, *metrics_);
    ASSERT_TRUE(adapter.ok()) << MessageOf(adapter.status());
    adapter_ = *std::move(adapter);
    ASSERT_TRUE(Eventually([this] { return adapter_->ScanComplete(); }));
  }
  std::string ErrorLog() const {
    std::ifstream file(folder_ / "logs/error.log");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool Holds(const std::string& target) { return adapter_->Find(Key(target)).has_value(); }
  void AwaitHeld(const std::string& target) {
    EXPECT_TRUE(Eventually([&] { return Holds(target); })) << target << "\n" << ErrorLog();
  }
  void AwaitGone(const std::string& target) {
    EXPECT_TRUE(Eventually([&] { return !Holds(target); })) << target;
  }
  // A content of the origin that was fetched once.
  void Fill(const std::string& target, const std::string& body) {
    FakeAgent::Content content;
    content.body = body;
    agent_->Set(Uri(target), content);
    EXPECT_EQ(Fetch(target).body, body) << ErrorLog();
    AwaitHeld(target);
  }
  pid_t Master() const {
    pid_t pid = 0;
    std::ifstream(folder_ / "nginx/nginx.pid") >> pid;
    return pid;
  }
  StatusOr<size_t> Purge(const std::string& target) {
    const farm::ContentKey key = Key(target);
    return adapter_->Purge(std::span(&key, 1));
  }
  double Metric(const std::string& name) const {
    double sum = 0;
    for (const MetricSample& sample : metrics_->Samples()) {
      if (sample.name == name) sum += sample.value;
    }
    return sum;
  }
  std::vector<fs::path> CacheFiles() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "cache")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }

  fs::path folder_;
  std::unique_ptr<FakeAgent> agent_;
  std::unique_ptr<MetricRegistry> metrics_;
  std::unique_ptr<NginxAdapter> adapter_;
  std::mutex mu_;
  std::vector<FinishedRequest> requests_;
  std::atomic<int> deaths_ = 0;
};

// ---- Requests.

TEST_F(NginxAdapterTest, AMissIsFilledOnceAndThenServedWithoutTheAgent) {
  StartWith({Films()});
  Fill("/film.mp4?t=1", "a film");
  const size_t asked = agent_->Requests().size();
  const Fetched hit = Fetch("/film.mp4?t=1");
  EXPECT_EQ(hit.status, 200);
  EXPECT_EQ(hit.body, "a film");
  EXPECT_EQ(agent_->Requests().size(), asked);
  EXPECT_EQ(hit.head.find("Strata-"), std::string::npos) << hit.head;
  const auto asset = adapter_->Find(Key("/film.mp4?t=1"));
  ASSERT_TRUE(asset.has_value());
  EXPECT_EQ(asset->size, 6u);
  EXPECT_EQ(asset->validator, "\"v1\"");
  EXPECT_EQ(adapter_->UriOf(Key("/film.mp4?t=1")), Uri("/film.mp4?t=1"));
}

TEST_F(NginxAdapterTest, TheAgentLearnsWhoAsksForWhatAndInWhichForm) {
  StartWith({Films()});
  Fetch("/a%20b?x=%41", {.host = "WWW.films.example:8080", .headers = "Strata-Form: peer\r\n"});
  Fetch("/a", {.host = "north-1.films.example"});
  Fetch("/_s/www.films.example/b?c", {.host = "127.0.0.1"});
  Fetch("/_s/films.example/c", {.host = "x", .port = kPeers});
  Fetch("/_f/films.example/d", {.host = "x", .port = kPeers});
  const auto misses = agent_->Requests("/miss");
  ASSERT_EQ(misses.size(), 5u) << ErrorLog();
  EXPECT_EQ(misses[0].Header("strata-form"), "direct");
  EXPECT_EQ(misses[0].Header("strata-site"), "films.example");
  EXPECT_EQ(misses[0].Header("strata-target"), "/a%20b?x=%41");
  EXPECT_EQ(misses[0].Header("strata-host"), "WWW.films.example:8080");
  EXPECT_EQ(misses[0].Header("strata-client"), "127.0.0.1");
  EXPECT_EQ(misses[0].Header("strata-scheme"), "http");
  EXPECT_EQ(misses[1].Header("strata-form"), "redirected");
  EXPECT_EQ(misses[2].Header("strata-form"), "redirected");
  EXPECT_EQ(misses[2].Header("strata-target"), "/b?c");
  EXPECT_EQ(misses[3].Header("strata-form"), "peer");
  EXPECT_EQ(misses[4].Header("strata-form"), "peer-fill");
  EXPECT_EQ(misses[4].Header("strata-target"), "/d");
}

TEST_F(NginxAdapterTest, AllFormsShareOneCopyAndPeersGetItToo) {
  StartWith({Films()});
  Fill("/film", "a film");
  const size_t asked = agent_->Requests().size();
  EXPECT_EQ(Fetch("/film", {.host = "north-1.www.films.example"}).body, "a film");
  EXPECT_EQ(Fetch("/_s/films.example/film", {.host = "127.0.0.1"}).body, "a film");
  EXPECT_EQ(Fetch("/_s/films.example/film", {.port = kPeers}).body, "a film");
  EXPECT_EQ(Fetch("/_f/films.example/film", {.port = kPeers}).body, "a film");
  EXPECT_EQ(agent_->Requests().size(), asked);
  EXPECT_EQ(Fetch("/_s/films.example/other", {.port = kPeers}).status, 504);
}

TEST_F(NginxAdapterTest, HostsOfNoSiteAreNotFoundAndCounted) {
  StartWith({Films()});
  EXPECT_EQ(Fetch("/", {.host = "other.example"}).status, 404);
  EXPECT_EQ(Fetch("/_s/other.example/", {.host = "127.0.0.1"}).status, 404);
  EXPECT_EQ(Fetch("/film", {.port = kPeers}).status, 404);
  EXPECT_EQ(Fetch("/_strata/fill").status, 404);
  EXPECT_EQ(Fetch("/_strata/status").status, 404);
  EXPECT_TRUE(agent_->Requests().empty());
  EXPECT_TRUE(Eventually([this] { return Metric("strata_engine_no_site_total") >= 3; }));
}

TEST_F(NginxAdapterTest, TheProbeNamesTheEngine) {
  StartWith({Films()});
  EXPECT_EQ(Fetch("/_strata/probe", {.host = "127.0.0.1"}).body, "north-1\n");
  EXPECT_TRUE(adapter_->PeerProbe({IpAddress::V4(127, 0, 0, 1), kClients, 0}).ok());
  EXPECT_FALSE(adapter_->PeerProbe({IpAddress::V4(127, 0, 0, 1), 9, 0}).ok());
}

TEST_F(NginxAdapterTest, OtherMethodsReachTheAgentAsTheyAre) {
  StartWith({Films()});
  WriteFile(folder_ / "library/films/form", "a form");
  AwaitHeld("/form");
  const std::string big(300000, 'x');
  EXPECT_EQ(Fetch("/form", {.method = "POST", .body = big}).body, "POST " + big);
  EXPECT_EQ(Fetch("/_s/films.example/form", {.method = "PUT", .body = "it"}).body, "PUT it");
}

TEST_F(NginxAdapterTest, RangesHeadAndConditionsAreNginxs) {
  StartWith({Films()});
  FakeAgent::Content content;
  content.body = "0123456789";
  agent_->Set(Uri("/film"), content);
  const Fetched first = Fetch("/film", {.headers = "Range: bytes=2-4\r\n"});
  EXPECT_EQ(first.status, 206);
  EXPECT_EQ(first.body, "234");
  AwaitHeld("/film");
  EXPECT_EQ(adapter_->Find(Key("/film"))->size, 10u);
  EXPECT_EQ(Fetch("/film", {.headers = "Range: bytes=-2\r\n"}).body, "89");
  EXPECT_EQ(Fetch("/film", {.headers = "If-None-Match: \"v1\"\r\n"}).status, 304);
  const Fetched head = Fetch("/film", {.method = "HEAD"});
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(Says(head, "Content-Length: 10"));
  EXPECT_TRUE(head.body.empty());
  agent_->Set(Uri("/second"), content);
  EXPECT_TRUE(Says(Fetch("/second", {.method = "HEAD"}), "Content-Length: 10"));
  AwaitHeld("/second");
  EXPECT_EQ(Fetch("/second").body, "0123456789");
}

TEST_F(NginxAdapterTest, WhatTheAgentAnswersItselfIsHandedOnAndNotKept) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    answer.status = request.Header("strata-target") == "/moved" ? 302 : 503;
    answer.headers = {{"Location", "http://south-1.films.example/moved"},
                      {"Cache-Control", "max-age=100"}};
    return true;
  });
  const Fetched moved = Fetch("/moved");
  EXPECT_EQ(moved.status, 302);
  EXPECT_TRUE(Says(moved, "Location: http://south-1.films.example/moved"));
  EXPECT_EQ(Fetch("/moved").status, 302);
  EXPECT_EQ(Fetch("/sorry").status, 503);
  EXPECT_EQ(agent_->Requests().size(), 3u);
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(NginxAdapterTest, APeerThatDoesNotHaveItLeadsBackToTheAgent) {
  StartWith({Films()});
  Fill("/film", "a film");
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path != "/miss" || request.Header("strata-form") == "peer") return false;
    const std::string tried = request.Header("strata-tried");
    // First one where nobody listens, then one who does not have it, then one who does.
    const bool third = tried == "127.0.0.1:9,127.0.0.1:8081";
    answer.headers = {{"X-Accel-Redirect", "/_strata/peer"},
                      {"Strata-Peer", tried.empty() ? "127.0.0.1:9" : "127.0.0.1:8081"},
                      {"Strata-Target", third ? "/_s/films.example/film" : "/_s/films.example/no"}};
    return true;
  });
  const size_t files = CacheFiles().size();
  const Fetched fetched = Fetch("/other");
  EXPECT_EQ(fetched.status, 200) << ErrorLog();
  EXPECT_EQ(fetched.body, "a film");
  EXPECT_EQ(CacheFiles().size(), files);
  EXPECT_EQ(Fetch("/other", {.headers = "Range: bytes=0-0\r\n"}).body, "a");
  EXPECT_EQ(Fetch("/_s/films.example/other", {.host = "127.0.0.1"}).body, "a film");
}

TEST_F(NginxAdapterTest, AJoinIsStreamedAndNotKept) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path == "/miss") {
      answer.headers = {{"X-Accel-Redirect", "/_strata/join"}, {"Strata-Fill", "77"}};
    } else {
      answer.body = request.path + " " + request.Header("strata-fill");
      answer.headers = {{"X-Accel-Expires", "100"}};
    }
    return true;
  });
  EXPECT_EQ(Fetch("/film").body, "/join 77");
  EXPECT_EQ(Fetch("/film", {.headers = "Range: bytes=1-4\r\n"}).body, "join");
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(NginxAdapterTest, AnExpiredCopyIsRenewedInPlace) {
  StartWith({Films()});
  FakeAgent::Content content;
  content.body = "a film";
  content.lifetime_seconds = 1;
  agent_->Set(Uri("/film"), content);
  EXPECT_EQ(Fetch("/film").body, "a film");
  AwaitHeld("/film");
  EXPECT_LE(adapter_->Find(Key("/film"))->lifetime, std::chrono::seconds(2));
  content.lifetime_seconds = 500;
  agent_->Set(Uri("/film"), content);
  adapter_->TakeChanges(100);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(Fetch("/film").body, "a film");
    return adapter_->Find(Key("/film"))->lifetime > std::chrono::seconds(100);
  }));
  const auto fills = agent_->Requests("/fill");
  ASSERT_EQ(fills.size(), 2u);
  EXPECT_EQ(fills[1].Header("if-none-match"), "\"v1\"");
  EXPECT_EQ(adapter_->TakeChanges(100).size(), 1u);
}

TEST_F(NginxAdapterTest, ABodyCutShortIsNoCopy) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path != "/fill") return false;
    answer.headers = {{"X-Accel-Expires", "100"}};
    answer.body = std::string(100000, 'x');
    answer.cut = 50000;
    return true;
  });
  EXPECT_LT(Fetch("/film").body.size(), 100000u);
  agent_->SetHandler(nullptr);
  Fill("/other", "x");
  EXPECT_FALSE(Holds("/film"));
  EXPECT_EQ(CacheFiles().size(), 1u);
}

TEST_F(NginxAdapterTest, CorsIsAddedWhereTheSiteSaysSo) {
  farm::Site site = Films();
  site.cors_origins = {"https://player.example"};
  farm::Site other;
  other.name = "other";
  other.version = 1;
  other.hosts = {"other.example"};
  StartWith({site, other});
  Fill("/film", "a film");
  const std::string player = "Origin: https://player.example\r\n";
  const Fetched allowed = Fetch("/film", {.headers = player});
  EXPECT_TRUE(Says(allowed, "Access-Control-Allow-Origin: https://player.example"));
  EXPECT_TRUE(Says(allowed, "Vary: Origin"));
  const Fetched foreign = Fetch("/film", {.headers = "Origin: https://evil.example\r\n"});
  EXPECT_EQ(foreign.head.find("Access-Control"), std::string::npos);
  const Fetched preflight = Fetch(
      "/film", {.headers = player + "Access-Control-Request-Method: GET\r\n", .method = "OPTIONS"});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(Says(preflight, "Access-Control-Allow-Origin: https://player.example"));
  agent_->SetHandler([](const FakeAgent::Request&, FakeAgent::Answer& answer) {
    answer.headers = {{"Access-Control-Allow-Origin", "https://own.example"}};
    return true;
  });
  EXPECT_TRUE(Says(Fetch("/x", {.host = "other.example"}),
                   "Access-Control-Allow-Origin: https://own.example"));
  const Fetched once = Fetch("/x", {.headers = player});
  EXPECT_EQ(once.head.find("own.example"), std::string::npos);
}

// ---- Libraries.

TEST_F(NginxAdapterTest, ALibraryIsServedAndTold) {
  WriteFile(folder_ / "library/films/a/film one+two.txt", "from the library");
  WriteFile(folder_ / "library/films/.hidden", "secret");
  WriteFile(folder_ / "library/films/.git/config", "secret");
  WriteFile(folder_ / "outside.txt", "secret");
  fs::create_symlink(folder_ / "outside.txt", folder_ / "library/films/link");
  StartWith({Films()});
  EXPECT_TRUE(Holds("/a/film%20one+two.txt"));
  const auto asset = adapter_->Find(Key("/a/film%20one+two.txt"));
  ASSERT_TRUE(asset.has_value());
  EXPECT_EQ(asset->kind, farm::AssetKind::kLibrary);
  EXPECT_EQ(asset->size, 16u);
  const Fetched served = Fetch("/a/film%20one+two.txt");
  EXPECT_EQ(served.body, "from the library");
  EXPECT_TRUE(Says(served, "ETag: " + asset->validator)) << served.head;
  EXPECT_TRUE(Says(served, "Content-Type: text/plain"));
  EXPECT_EQ(Fetch("/_s/films.example/a/film%20one+two.txt", {.port = kPeers}).body,
            "from the library");
  EXPECT_TRUE(agent_->Requests().empty());
  // A query counts at this site; an escaped + is another content; hidden names and links are none.
  for (const char* target :
       {"/a/film%20one+two.txt?x", "/a/film%20one%2Btwo.txt", "/.hidden", "/.git/config", "/link",
        "//a/film%20one+two.txt", "/a%2Ffilm%20one+two.txt", "/a", "/a/"}) {
    EXPECT_EQ(Fetch(target).status, 404) << target;
    EXPECT_EQ(Fetch("/_s/films.example" + std::string(target), {.host = "127.0.0.1"}).status, 404)
        << target;
  }
  EXPECT_EQ(agent_->Requests("/miss").size(), 9u);  // That there is none is cached for both forms.
}

TEST_F(NginxAdapterTest, WhereTheQueryDoesNotCountALibraryAnswersAnyway) {
  farm::Site site = Films();
  site.query.keep = farm::QueryRules::Keep::kNone;
  WriteFile(folder_ / "library/films/film", "from the library");
  StartWith({site});
  EXPECT_EQ(Fetch("/film?x=%2F").body, "from the library");
}

TEST_F(NginxAdapterTest, LibraryFilesCountWhenTheyAreWhole) {
  StartWith({Films()});
  WriteFile(folder_ / "library/films/first", "1");  // The library's folder is new, too.
  AwaitHeld("/first");
  EXPECT_TRUE(Eventually([] { return Fetch("/first").body == "1"; })) << ErrorLog();
  std::ofstream slow(folder_ / "library/films/slow");
  slow << "half of it" << std::flush;
  WriteFile(folder_ / "library/films/second", "2");
  AwaitHeld("/second");
  EXPECT_FALSE(Holds("/slow"));
  slow.close();
  AwaitHeld("/slow");
  std::ofstream again(folder_ / "library/films/slow");
  again << "more" << std::flush;
  AwaitGone("/slow");
  again.close();
  AwaitHeld("/slow");
  EXPECT_EQ(adapter_->Find(Key("/slow"))->size, 4u);
  WriteFile(folder_ / "aside", "renamed here");
  fs::rename(folder_ / "aside", folder_ / "library/films/slow");
  EXPECT_TRUE(Eventually([&] { return adapter_->Find(Key("/slow"))->size == 12; }));
  fs::remove(folder_ / "library/films/slow");
  AwaitGone("/slow");
}

TEST_F(NginxAdapterTest, LibraryFoldersComeAndGoAsAWhole) {
  WriteFile(folder_ / "library/films/keep", "k");
  StartWith({Films()});
  WriteFile(folder_ / "aside/x/1", "1");
  WriteFile(folder_ / "aside/x/y/2", "2");
  fs::rename(folder_ / "aside", folder_ / "library/films/moved");
  AwaitHeld("/moved/x/y/2");
  AwaitHeld("/moved/x/1");
  fs::rename(folder_ / "library/films/moved/x", folder_ / "library/films/x");
  AwaitHeld("/x/y/2");
  AwaitGone("/moved/x/y/2");
  WriteFile(folder_ / "library/films/x/y/3", "3");
  AwaitHeld("/x/y/3");
  fs::rename(folder_ / "library/films/x", folder_ / "away");
  AwaitGone("/x/y/3");
  WriteFile(folder_ / "away/y/4", "4");
  fs::remove_all(folder_ / "library/films");
  AwaitGone("/keep");
  EXPECT_FALSE(Holds("/x/y/4"));
}

// ---- The inventory of the cache.

TEST_F(NginxAdapterTest, FilesThatVanishAreGoneAndAreFetchedAnew) {
  StartWith({Films()});
  Fill("/a", "1");
  Fill("/b", "2");
  for (const fs::path& file : CacheFiles()) fs::remove(file);
  AwaitGone("/a");
  AwaitGone("/b");
  Fill("/a", "another");
}

TEST_F(NginxAdapterTest, ACacheFolderRemovedBehindItsBackIsNoticed) {
  StartWith({Films()});
  Fill("/a", "1");
  Fill("/b", "2");
  fs::rename(folder_ / "cache", folder_ / "away");
  AwaitGone("/a");
  AwaitGone("/b");
  Fill("/c", "3");
}

TEST_F(NginxAdapterTest, ChangesTellWhatCameAndWhatWent) {
  StartWith({Films()});
  EXPECT_TRUE(adapter_->TakeChanges(10).empty());
  Fill("/a", "1");
  auto changes = adapter_->TakeChanges(10);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].key, Key("/a"));
  EXPECT_TRUE(changes[0].asset.has_value());
  adapter_->TellAll();
  EXPECT_EQ(adapter_->TakeChanges(10).size(), 1u);
  fs::remove(CacheFiles().at(0));
  AwaitGone("/a");
  changes = adapter_->TakeChanges(10);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_FALSE(changes[0].asset.has_value());
}

TEST_F(NginxAdapterTest, ErrorsAreCachedButAreNoCopies) {
  StartWith({Films()});
  EXPECT_EQ(Fetch("/nothing").status, 404);
  EXPECT_EQ(Fetch("/nothing").status, 404);
  EXPECT_EQ(agent_->Requests("/fill").size(), 1u);
  Fill("/a", "1");
  EXPECT_FALSE(Holds("/nothing"));
  EXPECT_EQ(CacheFiles().size(), 2u);
  ASSERT_TRUE(Purge("/nothing").ok());
  EXPECT_EQ(CacheFiles().size(), 1u);
  Fill("/nothing", "something");
}

TEST_F(NginxAdapterTest, VariantsAreOneCopyAndGoTogether) {
  StartWith({Films()});
  FakeAgent::Content content;
  content.body = "a film";
  content.vary = "Accept-Language";
  agent_->Set(Uri("/film"), content);
  Fetch("/film", {.headers = "Accept-Language: de\r\n"});
  Fetch("/film", {.headers = "Accept-Language: en\r\n"});
  EXPECT_TRUE(Eventually([&] {
    const auto asset = adapter_->Find(Key("/film"));
    return asset.has_value() && asset->size == 12;
  }));
  const auto purged = Purge("/film");
  ASSERT_TRUE(purged.ok());
  EXPECT_EQ(*purged, 1u);
  EXPECT_FALSE(Holds("/film"));
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(NginxAdapterTest, WhatIsThereAtTheStartIsFound) {
  StartWith({Films()});
  Fill("/a", "1");
  Fill("/b", "2");
  adapter_.reset();
  StartWith({Films()});
  EXPECT_TRUE(Holds("/a"));
  EXPECT_TRUE(Holds("/b"));
  const size_t asked = agent_->Requests().size();
  EXPECT_EQ(Fetch("/a").body, "1");
  EXPECT_EQ(agent_->Requests().size(), asked);
}

// ---- Purge.

TEST_F(NginxAdapterTest, APurgedContentIsFetchedAnew) {
  StartWith({Films()});
  Fill("/a", "old");
  const auto purged = Purge("/a");
  ASSERT_TRUE(purged.ok()) << MessageOf(purged.status());
  EXPECT_EQ(*purged, 1u);
  EXPECT_FALSE(Holds("/a"));
  EXPECT_EQ(*Purge("/a"), 0u);
  Fill("/a", "new");
}

TEST_F(NginxAdapterTest, AFillThatGoesOnDuringAPurgeIsNotKept) {
  StartWith({Films()});
  std::atomic<bool> begun = false;
  std::atomic<bool> go_on = false;
  agent_->SetHandler([&](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path != "/fill") return false;
    answer.headers = {{"X-Accel-Expires", "100"}};
    answer.body = std::string(200000, 'x');
    answer.before_the_end = [&] {
      begun = true;
      Eventually([&] { return go_on.load(); });
    };
    return true;
  });
  std::thread client([] { EXPECT_EQ(Fetch("/film").body.size(), 200000u); });
  const fs::path temp = folder_ / "cache.temp";
  EXPECT_TRUE(Eventually([&] { return begun && !fs::is_empty(temp); }));
  EXPECT_EQ(*Purge("/other"), 0u);
  EXPECT_FALSE(fs::is_empty(temp));
  const auto purged = Purge("/film");
  EXPECT_TRUE(purged.ok()) << MessageOf(purged.status());
  EXPECT_EQ(*purged, 1u);
  go_on = true;
  client.join();
  agent_->SetHandler(nullptr);
  Fill("/after", "x");
  EXPECT_FALSE(Holds("/film"));
  EXPECT_EQ(CacheFiles().size(), 1u);
}

TEST_F(NginxAdapterTest, APurgedLibraryFileIsPutAsideAndNotServed) {
  WriteFile(folder_ / "library/films/a/b", "from the library");
  StartWith({Films()});
  ASSERT_EQ(*Purge("/a/b"), 1u);
  EXPECT_FALSE(Holds("/a/b"));
  EXPECT_EQ(Fetch("/a/b").status, 404);
  EXPECT_TRUE(fs::exists(folder_ / "library/.strata-purged/films/a/b"));
  EXPECT_EQ(Fetch("/.strata-purged/films/a/b").status, 404);
  WriteFile(folder_ / "library/films/a/b", "again");
  AwaitHeld("/a/b");
  ASSERT_EQ(*Purge("/a/b"), 1u);
  EXPECT_TRUE(fs::exists(folder_ / "library/.strata-purged/films/a/b.1"));
}

// ---- Configuration and process.

TEST_F(NginxAdapterTest, SitesComeChangeAndGoWithoutARestart) {
  StartWith({});
  const pid_t master = Master();
  EXPECT_EQ(Fetch("/a").status, 404);
  ASSERT_TRUE(adapter_->Apply({Films()}).ok());
  Fill("/a?x", "1");
  farm::Site changed = Films();
  changed.version = 2;
  changed.query.keep = farm::QueryRules::Keep::kNone;
  ASSERT_TRUE(adapter_->Apply({changed}).ok());
  // Its URI is no canonical one any more: nobody could ever ask for it.
  EXPECT_TRUE(Eventually([&] { return CacheFiles().empty(); }));
  EXPECT_FALSE(Holds("/a?x"));
  ASSERT_TRUE(adapter_->Apply({}).ok());
  EXPECT_EQ(Fetch("/a").status, 404);
  EXPECT_EQ(Master(), master);
}

TEST_F(NginxAdapterTest, WhatCannotBeServedIsRefusedAndNothingChanges) {
  StartWith({Films()});
  farm::Site twin = Films();
  twin.name = "twin";
  EXPECT_EQ(adapter_->Check({Films(), twin}).code(), StatusCode::kAlreadyExists);
  EXPECT_FALSE(adapter_->Apply({Films(), twin}).ok());
  EXPECT_TRUE(adapter_->Check({Films()}).ok());
  Fill("/a", "1");
}

TEST_F(NginxAdapterTest, ReloadsDropNoRequest) {
  StartWith({Films()});
  Fill("/a", "1");
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0;
  std::atomic<int> bad = 0;
  std::thread client([&] {
    while (!stop) ++(Fetch("/a").body == "1" ? good : bad);
  });
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(adapter_->Apply({Films()}).ok());
  stop = true;
  client.join();
  EXPECT_EQ(bad, 0);
  EXPECT_GT(good, 10);
}

TEST_F(NginxAdapterTest, ANginxThatDiesIsStartedAgain) {
  StartWith({Films()});
  Fill("/a", "1");
  const pid_t master = Master();
  kill(master, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return deaths_ == 1 && Master() != master; }));
  EXPECT_TRUE(Eventually([] { return Fetch("/a").body == "1"; })) << ErrorLog();
  EXPECT_TRUE(Holds("/a"));
  EXPECT_TRUE(adapter_->Apply({Films()}).ok());
}

TEST_F(NginxAdapterTest, AnNginxOfAnEarlierLifeIsStopped) {
  StartWith({Films()});
  const pid_t master = Master();
  // As after a kill of the engine in which nginx's master went, and its workers did not.
  auto orphaned = std::move(adapter_);
  const auto its_metrics = std::move(metrics_);
  kill(master, SIGSTOP);
  StartWith({Films()});
  EXPECT_NE(Master(), master);
  Fill("/a", "1");
  orphaned.reset();
}

TEST_F(NginxAdapterTest, AWedgedNginxIsDownAndComesBack) {
  StartWith({Films()});
  EXPECT_EQ(adapter_->Judge().health, farm::Health::kUp);
  const pid_t group = Master();
  kill(-group, SIGSTOP);
  EXPECT_TRUE(Eventually([this] { return adapter_->Judge().health == farm::Health::kDown; }));
  EXPECT_NE(adapter_->Judge().reason.find("127.0.0.1:8080"), std::string::npos);
  kill(-group, SIGCONT);
  EXPECT_TRUE(Eventually([this] { return adapter_->Judge().health == farm::Health::kUp; }));
}

TEST_F(NginxAdapterTest, AnotherMembersProbesDegrade) {
  StartWith({Films()});
  for (int i = 0; i < 3; ++i) adapter_->OnPeerProbe("no route to host");
  EXPECT_EQ(adapter_->Judge().health, farm::Health::kDegraded);
}

// ---- The log and the load.

TEST_F(NginxAdapterTest, EveryRequestIsToldThroughRotations) {
  NginxAdapterOptions options = Options();
  options.log_bytes_max = 3000;
  options.probe_interval = std::chrono::minutes(1);  // Probes are in the log, too.
  StartWith({Films()}, options);
  Fill("/a", "1");
  constexpr int kRequests = 600;
  for (int i = 0; i < kRequests / 2; ++i) {
    Fetch("/a");
    Fetch("/_s/films.example/a", {.host = "127.0.0.1"});
  }
  const auto told = [this] {
    std::lock_guard lock(mu_);
    return std::count_if(requests_.begin(), requests_.end(), [](const FinishedRequest& request) {
      return request.site == "films.example" && request.target == "/a" && request.status == 200;
    });
  };
  EXPECT_TRUE(Eventually([&] { return told() >= kRequests; })) << told();
  EXPECT_GE(Metric("strata_engine_log_rotations_total"), 1);
  EXPECT_EQ(Fetch("/a").body, "1");
  EXPECT_TRUE(Eventually([&] { return told() > kRequests; })) << told();
  EXPECT_EQ(Metric("strata_engine_log_broken_lines_total"), 0);
  EXPECT_TRUE(Eventually([this] {
    adapter_->Sample();
    return Metric("strata_engine_log_difference_requests") == 0;
  })) << Metric("strata_engine_log_difference_requests");
  std::ifstream log(folder_ / "logs/films.access.log");
  const std::string text(std::istreambuf_iterator<char>(log), {});
  EXPECT_NE(text.find("\"GET /a HTTP/1.1\" 200"), std::string::npos);
}

TEST_F(NginxAdapterTest, SamplesHaveTheLoad) {
  StartWith({Films()});
  Fill("/a", std::string(100000, 'x'));
  EXPECT_TRUE(Eventually([this] { return adapter_->Sample().bytes_out >= 100000; }));
  const LoadSample sample = adapter_->Sample();
  EXPECT_GT(sample.cpu_total, 0u);
  EXPECT_GT(sample.memory_used, 0u);
  EXPECT_GT(sample.storage_used, 0u);
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
