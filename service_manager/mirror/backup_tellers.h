#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/federation/feed/feed_sender.h"
#include "service_manager/federation/hierarchy.h"
#include "service_manager/store/store.h"
#include "service_manager/uplink/observers.h"
#include "service_manager/uplink/uplink.h"

namespace strata::manager::mirror {

// What a manager above level 1 that leads tells its backups: all of its directory, to each by a
// feed of its own, so that a slow one holds nobody up. docs/protocols/federation.md, 3.6. One for
// each term in which this manager leads; owned by the application, with a thread that looks for
// backups.
//
// They are told until the end, also one that is no backup any more and comes again: the records of
// one epoch have one order.
class BackupTellers {
 public:
  // By name: HOST:PORT of its RPC.
  using Backups = std::map<std::string, std::string>;

  struct Options {
    federation::ScopeLevel own;
    // By which this manager leads: higher than that of any before. Not 0.
    uint64_t term = 0;
    // Of this scope, without this manager. On the thread, each kLookEvery.
    std::function<Backups()> backups;
    // Messages, by gRPC: as ParentLink's.
    bool compress = true;
  };

  // How one of them is told, for people and /healthz.
  struct State {
    std::string name;
    std::string address;
    uplink::Uplink::State feed;
  };

  // `observers` are those of the index's writer. All outlive this.
  BackupTellers(Options options, uplink::Observers& observers, store::Store& store,
                directory::LocationIndex& index, const control::HolderBook& holders,
                std::shared_ptr<const tls::TlsStore> tls);
  ~BackupTellers();  // As Stop().
  BackupTellers(const BackupTellers&) = delete;
  BackupTellers& operator=(const BackupTellers&) = delete;

  // For ever; within a second for each.
  void Stop();

  // ---- Any thread.

  // The store's SyncedUpTo() grew. Does not wait.
  void OnSynced();
  // By name; those that are no backups any more have no address.
  std::vector<State> states() const;

 private:
  void Loop();
  void Look();
  void Begin(const std::string& name);
  std::vector<std::string> AddressOf(const std::string& name) const;
  std::optional<federation::Introduction> NameOf(directory::Holder holder) const;

  const Options options_;
  uplink::Observers& observers_;
  store::Store& store_;
  directory::LocationIndex& index_;
  const control::HolderBook& holders_;
  const std::shared_ptr<const tls::TlsStore> tls_;

  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  Backups backups_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<uplink::Uplink>> tellers_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace strata::manager::mirror
