#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "farm/member/farm_member.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/app/content_keeper.h"
#include "service_engine/rpc/manager_client.h"
#include "service_engine/transfer/library_copy.h"
#include "service_engine/transfer/peer_fetch.h"

namespace strata::engine::app {

// While an engine of the farm is drained, does what the manager wants of this one, so that nothing
// is lost (docs/protocols/farm.md, section 8): copies contents into its library, or, if it is the
// one, says what those are that only it has. On a thread of its own, one content at a time.
class Copier {
 public:
  struct Options {
    farm::EngineId self{};
    std::vector<Endpoint> own_peers;  // Where others fetch from this engine.
    std::string library_folder;       // Of all sites.
    uint64_t bytes_per_second = 0;    // Of copies that it takes; 0: as they come.
    Duration ask_every = std::chrono::seconds(1);
    Duration library_limit = std::chrono::seconds(20);  // Until nginx serves a new library.
  };
  // ManagerClient::ExchangeCopies.
  using Exchange = std::function<StatusOr<rpc::CopyWork>(const rpc::CopyReport&)>;

  // All must outlive it. Begins at once.
  Copier(Options options, farm::FarmMember& member, NginxAdapter& adapter, ContentKeeper& keeper,
         Exchange exchange, MetricRegistry& metrics);
  // What is under way is dropped; `exchange` must not wait any more.
  ~Copier();

 private:
  // Of a canonical URI.
  struct Named {
    std::string host;
    std::string target;
    std::string site;  // Its name.
  };

  void Loop();
  void RemoveRemains() const;
  // Whether anybody is drained, and whether this engine is.
  bool Drains(bool& self) const;
  rpc::CopyReport Report() const;
  void Do(const rpc::CopyWork& work);
  rpc::PreparedCopy Prepare(const farm::ContentKey& key);
  Status Sum(rpc::PreparedCopy& copy);
  Status Copy(const rpc::CopyOrder& order);
  // The fetched and compared file, not in its place yet.
  Status Fetch(const rpc::CopyOrder& order, const Named& named, transfer::LibraryCopy& file);
  StatusOr<Named> NameOf(const std::string& uri) const;
  StatusOr<Endpoint> PeerOf(farm::EngineId engine) const;
  // Makes it, if it is not there, and waits until nginx knows it.
  Status OpenLibrary(const std::string& site);
  // So that copies take no more than they may.
  void Pace(uint64_t bytes, Timestamp since);
  bool Sleep(Duration time);  // False: it is to end.
  bool stopped() const;

  const Options options_;
  farm::FarmMember& member_;
  NginxAdapter& adapter_;
  ContentKeeper& keeper_;
  const Exchange exchange_;
  Counter& copies_;
  Counter& bytes_;
  Counter& sums_;
  Counter& failures_;
  Counter& mismatches_;
  std::vector<rpc::PreparedCopy> prepared_;  // Not told yet. Of the thread, so below.
  std::vector<rpc::CopyDone> done_;
  std::string complaint_;  // Why the manager was not asked; logged once.

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace strata::engine::app
