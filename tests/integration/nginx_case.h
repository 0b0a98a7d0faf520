#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "farm/site.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/core/access_log.h"
#include "tests/integration/fake_agent.h"

// What the tests of the nginx adapter share: the adapter with the nginx that is installed, in a
// network of its own, and a fake agent.

namespace strata::engine {

inline constexpr uint16_t kClients = 8080;
inline constexpr uint16_t kPeers = 8081;

// Whether it becomes true within 20 s.
bool Eventually(const std::function<bool()>& condition);

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

// One request to nginx, on a connection of its own.
Fetched Fetch(const std::string& target, const Ask& ask = {});
// Whether there is this line in the answer's header.
bool Says(const Fetched& fetched, const std::string& header);

farm::Site Films();
std::string Uri(const std::string& target);
farm::ContentKey Key(const std::string& target);
void WriteFile(const std::filesystem::path& path, const std::string& text);

// An engine's options with everything below `folder`.
NginxAdapterOptions OptionsBelow(const std::filesystem::path& folder);

// A main() for these tests.
int RunInPrivateNetwork(int argc, char** argv);

class NginxCase : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  NginxAdapterOptions Options() const { return OptionsBelow(folder_); }
  void StartWith(const std::vector<farm::Site>& sites) { StartWith(sites, Options()); }
  void StartWith(const std::vector<farm::Site>& sites, const NginxAdapterOptions& options);

  bool Holds(const std::string& target) { return adapter_->Find(Key(target)).has_value(); }
  void AwaitHeld(const std::string& target);
  void AwaitGone(const std::string& target);
  // A content of the origin that was fetched once.
  void Fill(const std::string& target, const std::string& body);
  StatusOr<size_t> Purge(const std::string& target);

  std::string ErrorLog() const;
  pid_t Master() const;  // nginx's.
  double Metric(const std::string& name) const;
  std::vector<std::filesystem::path> CacheFiles() const;

  std::filesystem::path folder_;
  std::unique_ptr<FakeAgent> agent_;
  std::unique_ptr<MetricRegistry> metrics_;
  std::unique_ptr<NginxAdapter> adapter_;
  std::mutex mu_;
  struct Told {
    std::string site;
    std::string entry;
    std::string target;
    int status = 0;
  };
  std::vector<Told> requests_;
  std::atomic<int> deaths_ = 0;
};

}  // namespace strata::engine
