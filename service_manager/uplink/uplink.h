#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/link/parent_link.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/directory_observer.h"
#include "service_manager/uplink/limits.h"

namespace strata::manager::uplink {

// The own scope as a holder: the number of the name (own scope, no engine). None of the numbers
// that engines and children's holders have.
inline constexpr directory::Holder kOwnScope{UINT32_MAX};

// Tells the parent what the forwarding policy lets it know of this manager's directory: from the
// changes of the index, once they are durable here, into a ParentLink. One for each term in which
// this manager leads; owned by the application, with a thread of its own beside the link's.
// docs/protocols/federation.md, 2 and 3.
//
//   options.observe = [&](uplink::DirectoryObserver* o) { feeds.SetObserver(o); };
//   auto uplink = uplink::Uplink::Start(options, store, index, tls);  // Begins to lead.
//   // RocksStore::Options::on_synced: uplink->OnSynced()
//   uplink.reset();                                                   // Ceases to lead.
//
// It begins by reading the whole store once, for the digests of what the parent is to know; the
// writer of the index goes on meanwhile, and what it changes is told afterwards.
class Uplink {
 public:
  struct Options {
    federation::ScopeLevel own;
    // HOST:PORT of the parent's managers, in the order in which they are to be asked.
    std::function<std::vector<std::string>()> parents;
    // They are a backup of this manager, as ParentLink's.
    bool to_backup = false;
    // With this term's epoch. The delay of batches is the policy's.
    federation::FeedSenderOptions feed;
    bool compress = true;  // As ParentLink's.
    // What this link forwards; never null.
    std::shared_ptr<const federation::ForwardingMatcher> policy =
        std::make_shared<federation::ForwardingMatcher>();
    // Has the writer of the index tell this observer, or nobody (null): DirectoryFeed::SetObserver
    // at level 1, ChildFeeds::SetObserver above. Called by Start and Stop.
    std::function<void(DirectoryObserver*)> observe;
    // Who a number is, with the addresses for its clients if it is an engine: those below
    // control::kHolderNumberFirst by the farm's table, the others by the HolderBook. Nothing: it is
    // not known; its copies are not told. Called on the uplink's thread, without a lock.
    std::function<std::optional<federation::Introduction>(directory::Holder)> name_of;
    UplinkLimits limits;
  };

  // For people, /healthz and metrics.
  struct State {
    link::ParentLink::State link;  // As it is without a stream, until the directory is read.
    bool begun = false;            // The directory is read, and the link started.
    Status trouble;                // What the store said last, if it cannot be read.
    size_t waiting = 0;            // Contents whose changes are not told yet,
    size_t waiting_for_uri = 0;    // and those of them that nobody told the URI of.
    bool walking = false;          // Another policy is taking the place of the one before.
    size_t unnamed = 0;            // Holders that nobody knows, whose copies are not told.
    uint64_t told = 0;             // Changes of the projection.
    uint64_t told_without_uri = 0;
    uint64_t refreshed = 0;  // Ranges that are told anew since too much waited, or was not known.

    // The parent has all that it is to know, as of the changes that are durable.
    bool quiet() const { return begun && waiting == 0 && !walking && link.connected && link.quiet; }
  };

  // From here on the writer of `index` is observed, and soon the parent is told. `store` has what
  // the index has; all outlive this. ResourceExhausted: the index has too many readers.
  // InvalidArgument: options of the feed that make no sense.
  static StatusOr<std::unique_ptr<Uplink>> Start(Options options, store::Store& store,
                                                 directory::LocationIndex& index,
                                                 std::shared_ptr<const tls::TlsStore> tls);
  ~Uplink();  // As Stop().
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  // For ever; within a second, and while the directory is being read as soon as the store gives the
  // next content. Then nobody is observed any more.
  void Stop();

  // ---- Any thread.

  // The store's SyncedUpTo() grew. Does not wait.
  void OnSynced();
  // An engine of the own farm is new, or has other addresses: the parent hears of it at once.
  void OnHolder(directory::Holder holder);
  // Another policy, or the same with other sites: what differs is told, content by content. Does
  // not wait for that.
  void SetPolicy(std::shared_ptr<const federation::ForwardingMatcher> policy);

  State state() const;
  // Until `condition` holds of the state: true; or for `limit`: false. Looks now and then.
  bool Await(const std::function<bool(const State&)>& condition, Duration limit) const;

 private:
  class Inside;

  explicit Uplink(std::unique_ptr<Inside> inside);

  const std::unique_ptr<Inside> inside_;
};

}  // namespace strata::manager::uplink
