#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/feed_service.h"
#include "service_manager/link/test_peers.h"
#include "service_manager/mirror/backup_tellers.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/rpc/mirror_follower.h"
#include "service_manager/rpc/mirroring_service.h"
#include "service_manager/store/mirrored_store.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/uplink/observers.h"

// Managers of one scope for tests: with real certificates, gRPC, indexes, stores and mirrors of
// intent. Who leads is what the test says.
namespace strata::manager::mirror::testing {

// One of them, from the start of its process to its end.
class TestManager {
 public:
  // `folder`: of its store, which may be there already. Neither leads nor follows.
  TestManager(tls::TestAuthority& authority, rpc::Guard& guard, const federation::ScopeLevel& own,
              const std::string& name, const std::string& folder);
  ~TestManager();

  // Begins to lead. `required`: managers that must have what is acknowledged.
  void Lead(uint64_t term, const std::set<std::string>& required = {});
  // Follows that one, which can be reached at `address`.
  void Follow(const std::string& leader, const std::string& address);
  void Follow(const TestManager& leader) { Follow(leader.name_, leader.address()); }

  const std::string& name() const { return name_; }
  const Endpoint& endpoint() const { return endpoint_; }
  std::string address() const { return ToString(endpoint_); }
  link::ChildFeeds& feeds() { return *feeds_; }
  link::FeedService& service() { return *service_; }
  control::HolderBook& holders() { return *holders_; }
  store::MirroredStore& store() { return *mirrored_; }
  directory::LocationIndex& index() { return index_; }

  // While it leads: how that backup is told, and whether it has all within a patience.
  uplink::Uplink::State StateOf(const TestManager& backup) const;
  federation::FeedSenderCounts CountsOf(const TestManager& backup) const {
    return StateOf(backup).link.counts;
  }
  bool AwaitQuiet(const TestManager& backup) const;
  // Backups are reached there, whatever they say.
  void SetAddressOf(const TestManager& backup, const std::string& address);

  // All copies of its index, and those of its store.
  link::testing::Known known() const;
  link::testing::Known stored() const;

 private:
  void OnSynced();
  BackupTellers::Backups Backups() const;
  federation::HolderName NameOf(directory::Holder holder) const;

  const federation::ScopeLevel own_;
  const std::string name_;
  const std::shared_ptr<tls::TlsStore> tls_;
  mutable SeededRandom random_{1};
  mutable directory::LocationIndex index_{random_};
  MetricRegistry metrics_;

  mutable absl::Mutex mutex_;
  std::string leader_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> addresses_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex synced_mutex_;  // Those that are told of it do not go meanwhile.
  std::unique_ptr<store::RocksStore> own_store_;
  std::unique_ptr<store::MirroredStore> mirrored_;
  std::unique_ptr<control::ManagerBook> book_;
  std::unique_ptr<control::HolderBook> holders_;
  std::unique_ptr<rpc::MirroringService> mirroring_;
  std::unique_ptr<link::ChildFeeds> feeds_;
  std::unique_ptr<link::FeedService> service_ ABSL_PT_GUARDED_BY(synced_mutex_);
  std::unique_ptr<uplink::Observers> observers_;
  std::unique_ptr<BackupTellers> tellers_ ABSL_PT_GUARDED_BY(synced_mutex_);
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<rpc::MirrorFollower> follower_;
};

}  // namespace strata::manager::mirror::testing
