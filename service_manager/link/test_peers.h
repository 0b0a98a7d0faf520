#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/feed_service.h"
#include "service_manager/link/parent_link.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/store/rocks_store.h"

// Both ends of a link for tests: with real certificates, gRPC, indexes and stores.
namespace strata::manager::link::testing {

// A copy, as both sides name it.
using Known = std::set<std::tuple<farm::ContentKey, federation::HolderName, int>>;

std::string UriOf(int content);
// All copies of an index, whose numbers are of these holders.
Known KnownOf(directory::LocationIndex& index,
              const std::function<federation::HolderName(directory::Holder)>& name_of);
// What a manager lacks, or has and should not, in words; empty: nothing.
std::string DifferenceOf(const Known& has, const Known& should_have);

// A manager with children, as far as their feeds go.
class TestParent {
 public:
  // `folder`: of its store, which may be there already. Leads, until it is told otherwise.
  TestParent(std::shared_ptr<const tls::TlsStore> tls, rpc::Guard& guard,
             const federation::ScopeLevel& own, const std::string& folder);
  ~TestParent();

  const Endpoint& endpoint() const { return endpoint_; }
  std::string address() const { return ToString(endpoint_); }
  void SetLeads(const Status& leads);

  FeedService& service() { return *service_; }
  ChildFeeds& feeds() { return *feeds_; }
  store::Store& store() { return *store_; }
  // Of its registry.
  double metric(std::string_view name) const;
  double refused() const { return metric("strata_link_refused_total"); }

  // All copies of its index.
  Known known() const;
  // The size that its store has of a copy; 0: none.
  uint64_t SizeOf(int content, const federation::HolderName& holder) const;
  std::string StoredUriOf(int content) const;

 private:
  SeededRandom random_{1};
  directory::LocationIndex index_{random_};
  MetricRegistry metrics_;
  std::atomic<FeedService*> told_of_syncs_ = nullptr;
  std::unique_ptr<store::RocksStore> store_;
  std::unique_ptr<control::HolderBook> holders_;
  absl::Mutex mutex_;
  Status leads_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ChildFeeds> feeds_;
  std::unique_ptr<FeedService> service_;
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
};

// A manager with engines e1 to e3, as far as its parent is to know of them: every copy, in full.
class TestChild {
 public:
  TestChild(tls::TestAuthority& authority, const std::string& scope, const std::string& name,
            uint32_t level = 1);
  ~TestChild() { Unlink(); }

  using Parents = std::function<std::vector<std::string>()>;
  // Begins to lead, by this epoch. What it had to tell before is forgotten.
  void Link(uint64_t epoch, Parents parents, federation::FeedSenderOptions options = {});
  void Unlink() { link_.reset(); }
  ParentLink& link() { return *link_; }
  // Until the parent has all that it shall know.
  bool AwaitQuiet() const;

  // Engine 1 to 3 has these contents now, of this size, or has them not any more.
  void Put(int engine, int first, int count, uint64_t size = 100);
  void Remove(int engine, int first, int count);

  Known known() const;
  const std::string& scope() const { return own_.scope; }
  federation::HolderName NameOf(int engine) const;
  const tls::TlsPaths& paths() const { return paths_; }
  Status Reload() { return tls_->Reload(); }

 private:
  Status Read(const federation::FeedRead& read, ParentLink::Found found);

  const federation::ScopeLevel own_;
  const tls::TlsPaths paths_;
  const std::shared_ptr<tls::TlsStore> tls_;
  SeededRandom random_{2};
  mutable absl::Mutex mutex_;  // A change and its telling are one, for who reads.
  directory::LocationIndex index_{random_};
  std::map<farm::ContentKey, std::pair<std::string, uint64_t>> contents_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ParentLink> link_;
};

}  // namespace strata::manager::link::testing
