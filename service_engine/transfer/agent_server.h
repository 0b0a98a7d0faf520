#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "farm/engine.h"
#include "farm/site.h"
#include "service_engine/core/miss_decision.h"

namespace strata::engine::transfer {

struct AgentOptions {
  std::string socket_path;        // Where nginx asks; a dead agent's socket there is replaced.
  uint32_t socket_mode = 0660;    // nginx's workers have to be able to write to it.
  std::string spool_folder;       // Bytes of fetches in flight, in files without a name.
  farm::EngineId self{};          // As in the state table.
  std::string self_name;          // In Via.
  std::string loop_token;         // In CDN-Loop: of the farm, so that no request visits it twice.
  size_t threads = 2;             // At most kThreadsMax.
  size_t fills_max = 256;         // Fetches from origins at once; more are answered 503.
  size_t forwards_max = 256;      // Requests of other methods at once; more are answered 503.
  size_t connections_max = 4096;  // Of nginx; more are closed at once.
  uint64_t spool_free_min = 64u << 20;  // Bytes of its file system that fetches leave free.
  std::string extra_ca_file;            // Trusted beside the system's certificate authorities.
};

// What the agent asks of the application. Called on the agent's threads, several at once; has to
// answer quickly, since a request waits.
class AgentTable {
 public:
  virtual ~AgentTable() = default;

  // The site whose first host this is; null if there is none.
  virtual std::shared_ptr<const farm::Site> SiteOfHost(std::string_view first_host) = 0;
  // farm::Director::Holders and Fillers, the engine itself included. Holders is not asked of a
  // table that does not know them by itself.
  virtual std::vector<Peer> Holders(const farm::ContentKey& key, uint64_t draw) = 0;
  virtual std::vector<Peer> Fillers(const farm::ContentKey& key) = 0;
  // False: AskHolders has to be used instead of Holders.
  virtual bool KnowsHolders() const { return true; }
  // Asks somebody else for the same; calls `done` once, on any thread, at once or later, but not
  // after the server is destroyed.
  using TakeHolders = std::function<void(std::vector<Peer>)>;
  virtual void AskHolders(const farm::ContentKey& key, uint64_t draw, TakeHolders done) {
    done(Holders(key, draw));
  }
  // Whether an engine of the farm has this address: its hop forms count.
  virtual bool IsMember(const IpAddress& address) = 0;
  // `engine` is listed as a holder, but did not have it or could not be reached.
  virtual void PeerLacks(farm::EngineId engine, const farm::ContentKey& key) = 0;
  // A request of an unsafe method has changed what `key` names (RFC 9111, section 4.4): the cached
  // copy of this engine is to go, by EndFetches and then the server's files, not from here. `done`,
  // by any thread, once it has gone.
  virtual void Invalidate(const farm::ContentKey& key, std::function<void()> done) = 0;
};

// The agent that nginx asks on a miss, and that fetches from origins: docs/protocols/agent.md. Has
// threads of its own; any thread may call. What it counts is strata_agent_* in the registry.
class AgentServer {
 public:
  // Listens at once. InvalidArgument for options that do not fit, AlreadyExists if another agent
  // answers at the socket, Unavailable, naming the path, for what the system refuses. Table and
  // registry have to outlive the server.
  static StatusOr<std::unique_ptr<AgentServer>> Start(const AgentOptions& options,
                                                      AgentTable& table, MetricRegistry& metrics);
  ~AgentServer();

  // Section 6, step 1: what is being fetched of these contents is asked anew or cut off. Returns
  // when nginx has let go of all that was cut off: what it still had to write of it is a file in
  // its folders now, or never will be. DeadlineExceeded if that takes longer than `patience`: then
  // the purge is not done. Blocks; not from a method of the table.
  Status EndFetches(std::span<const farm::ContentKey> keys,
                    Duration patience = std::chrono::seconds(5));

  // The same for all that is being fetched for a site that is no more: nothing of it is asked anew.
  // The table does not know the site any longer.
  Status EndFetchesOf(std::string_view site, Duration patience = std::chrono::seconds(5));

  // The engine is to end: EndFetches and EndFetchesOf wait for nobody any more.
  void GiveUp();

  // Fetches that are on the board now.
  size_t fetches() const;

  // Ends all threads and connections; fetches in flight are cut off. Also done by the destructor.
  void Stop();

 private:
  class Impl;
  explicit AgentServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::engine::transfer
