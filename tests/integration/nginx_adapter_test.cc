#include "service_engine/adapters/nginx/nginx_adapter.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>

#include "tests/integration/nginx_case.h"

// What the adapter knows of its nginx and does with it: inventory, purge, process, log, load.

namespace strata::engine {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kEngineMode = "--be-an-engine";

// A process that is nothing but an engine with its nginx, until it is killed.
int BeAnEngine(const char* folder) {
  MetricRegistry metrics;
  const auto adapter = NginxAdapter::Start(OptionsBelow(folder), {Films()}, {}, metrics);
  if (adapter.ok()) pause();
  return 1;
}

class NginxAdapterTest : public NginxCase {
 protected:
  // In a log and in those that were rotated away from it: lines that have `text`.
  int64_t LinesOf(const std::string& log, const std::string& text) const {
    int64_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "logs")) {
      if (!entry.path().filename().string().starts_with(log)) continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        if (line.find(text) != std::string::npos) ++count;
      }
    }
    return count;
  }
};

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
  ASSERT_EQ(MessageOf(adapter_->Apply({Films()})), "");
  Fill("/a?x", "1");
  farm::Site changed = Films();
  changed.version = 2;
  changed.query.keep = farm::QueryRules::Keep::kNone;
  ASSERT_EQ(MessageOf(adapter_->Apply({changed})), "");
  // Its URI is no canonical one any more: nobody could ever ask for it.
  EXPECT_TRUE(Eventually([&] { return CacheFiles().empty(); }));
  EXPECT_FALSE(Holds("/a?x"));
  ASSERT_EQ(MessageOf(adapter_->Apply({})), "");
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
  for (int i = 0; i < 5; ++i) EXPECT_EQ(MessageOf(adapter_->Apply({Films()})), "");
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
  EXPECT_EQ(MessageOf(adapter_->Apply({Films()})), "");
}

TEST_F(NginxAdapterTest, NginxEndsWithAnEngineThatIsKilled) {
  const std::string folder = folder_.string();
  const pid_t engine = fork();
  ASSERT_GE(engine, 0);
  if (engine == 0) execl("/proc/self/exe", "engine", kEngineMode, folder.c_str(), nullptr);
  ASSERT_TRUE(Eventually([] { return Fetch("/_strata/probe").status == 200; }));
  const pid_t master = Master();
  kill(engine, SIGKILL);
  waitpid(engine, nullptr, 0);
  EXPECT_TRUE(Eventually([] { return Fetch("/_strata/probe").status == 0; }));
  EXPECT_TRUE(Eventually([&] { return kill(-master, 0) != 0; }));
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

TEST_F(NginxAdapterTest, AnNginxThatStaysWedgedIsKilledAndStartedAgain) {
  NginxAdapterOptions options = Options();
  options.wedged_limit = std::chrono::milliseconds(500);
  StartWith({Films()}, options);
  Fill("/a", "1");
  const pid_t group = Master();
  kill(-group, SIGSTOP);
  EXPECT_TRUE(Eventually([&] { return deaths_ == 1 && Master() != group; }));
  EXPECT_TRUE(Eventually([] { return Fetch("/a").body == "1"; })) << ErrorLog();
  EXPECT_EQ(Metric("strata_engine_nginx_wedged_total"), 1);
  EXPECT_TRUE(Eventually([this] { return adapter_->Judge().health == farm::Health::kUp; }));
}

TEST_F(NginxAdapterTest, AnswersThatAreMeantDoNotDegrade) {
  NginxAdapterOptions options = Options();
  options.health.window = std::chrono::milliseconds(200);
  StartWith({Films()}, options);
  // A peer asks for what is not here, since its table is old: 504.
  const auto told = [this] {
    std::lock_guard lock(mu_);
    return std::count_if(requests_.begin(), requests_.end(), [](const Told& request) {
      return request.entry == kEntryPeer && request.status == 504;
    });
  };
  const auto ask = [] {
    const Fetched no = Fetch("/_s/films.example/no", {.host = "127.0.0.1:8081", .port = kPeers});
    EXPECT_EQ(no.status, 504);
  };
  for (int i = 0; i < 100; ++i) ask();
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(adapter_->Judge().health, farm::Health::kUp);
    return told() >= 100;
  }));
  const auto after = std::chrono::steady_clock::now() + 2 * options.health.window;
  while (std::chrono::steady_clock::now() < after) {
    EXPECT_EQ(adapter_->Judge().health, farm::Health::kUp);
  }
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
  options.operator_log = {.bytes_max = 20000, .kept = 100};
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
    return std::count_if(requests_.begin(), requests_.end(), [](const Told& request) {
      return request.site == "films" && request.target == "/a" && request.status == 200;
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
  EXPECT_GE(Metric("strata_engine_operator_log_rotations_total"), 1);
  EXPECT_EQ(LinesOf("films.access.log", "GET /a HTTP/1.1\" 200") +
                LinesOf("films.access.log", "GET /_s/films.example/a HTTP/1.1\" 200"),
            told());
}

TEST_F(NginxAdapterTest, ASiteThatIsRemovedKeepsItsLogAndItIsNotWritten) {
  StartWith({Films()});
  Fill("/a", "1");
  EXPECT_TRUE(Eventually([&] { return LinesOf("films.access.log", "GET /a ") == 1; }));
  EXPECT_EQ(MessageOf(adapter_->Apply({})), "");
  EXPECT_EQ(Fetch("/a").status, 404);
  EXPECT_TRUE(Eventually([this] { return Metric("strata_engine_no_site_total") >= 1; }));
  EXPECT_EQ(LinesOf("films.access.log", ""), 1);
}

TEST_F(NginxAdapterTest, AnErrorLogIsRotatedAndNginxWritesTheNewOne) {
  NginxAdapterOptions options = Options();
  options.error_log = {.bytes_max = 1, .kept = 2};
  StartWith({Films()}, options);
  agent_.reset();  // Each miss is an error now.
  const std::string log = (folder_ / "logs/error.log").string();
  Fetch("/a");
  EXPECT_TRUE(Eventually([&] { return fs::exists(log + ".1"); }));
  EXPECT_TRUE(Eventually([&] {
    Fetch("/a");
    return ErrorLog().find("connect() to unix:") != std::string::npos;
  }));
  EXPECT_GE(Metric("strata_engine_error_log_rotations_total"), 1);
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
  if (argc == 3 && strcmp(argv[1], strata::engine::kEngineMode) == 0) {
    return strata::engine::BeAnEngine(argv[2]);
  }
  return strata::engine::RunInPrivateNetwork(argc, argv);
}
