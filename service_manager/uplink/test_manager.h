#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/control/directory_feed.h"
#include "service_manager/control/holder_book.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/federation/policy/projection.h"
#include "service_manager/link/child_feeds.h"
#include "service_manager/link/test_peers.h"
#include "service_manager/store/rocks_store.h"
#include "service_manager/uplink/uplink.h"

// Managers with a directory for the tests of what they tell their parent.
namespace strata::manager::uplink::testing {

// Of three hosts and two folders, so that rules match some.
std::string UriOf(int content);
farm::ContentKey KeyOf(int content);
// Rules by the sites films0 to films2, which have these hosts.
std::shared_ptr<const federation::ForwardingMatcher> PolicyOf(
    std::vector<federation::ForwardingRule> rules);

// A manager of level 1, or of level 2 with a farm below it, whose engines are 1, 2, 3, … Leads when
// it is told to.
class TestManager {
 public:
  TestManager(tls::TestAuthority& authority, uint32_t level, const std::string& folder);
  ~TestManager();

  using Parents = std::function<std::vector<std::string>()>;
  // Begins to lead: with a higher epoch than before.
  void Begin(Parents parents);
  void Cease();
  Uplink& uplink() { return *uplink_; }
  // Of those that come to lead afterwards.
  Uplink::Options& options() { return options_; }
  void SetPolicy(std::shared_ptr<const federation::ForwardingMatcher> policy);
  // Until the parent has all that it shall know.
  bool AwaitQuiet() const;

  // ---- What happens to the directory. At level 2 in a batch, which Commit() ends.

  struct Copy {
    directory::LocationFlags flags = directory::kComplete;
    uint64_t size = 100;
    bool with_uri = true;  // At level 2; at level 1 it comes by TellUri.

    friend bool operator==(const Copy&, const Copy&) = default;
  };
  void Put(int engine, int content) { Put(engine, content, Copy()); }
  void Put(int engine, int content, const Copy& copy);
  void Remove(int engine, int content);
  void TellUri(int content);
  void Commit();
  // Level 2: the range of this content, as it is, by an interval.
  void TellAnew(int content);

  // Nobody can say who this engine of the own farm is, until it is shown again.
  void Hide(int engine, bool hidden);

  // What the parent shall know by the policy, and the URIs that it shall have.
  link::testing::Known expected() const;
  std::set<std::string> expected_uris() const;

  federation::HolderName NameOf(int engine) const;

 private:
  std::optional<federation::Introduction> Introduce(directory::Holder holder) const;
  void Visit(const std::function<void(const farm::ContentKey&, const std::string& uri,
                                      const federation::Projection&)>& visit) const;
  void Append(const std::function<void(ByteWriter&)>& encode);
  void Send(const Bytes& record, bool is_record);

  const std::string scope_;
  const std::string farm_;  // The scope of the engines.
  const uint32_t level_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  SeededRandom random_{3};
  MetricRegistry metrics_;
  std::atomic<Uplink*> told_of_syncs_ = nullptr;
  absl::Mutex sync_mutex_;  // Held while it is told.
  std::unique_ptr<store::RocksStore> store_;
  mutable directory::LocationIndex index_{random_};
  std::unique_ptr<control::HolderBook> holders_;
  std::unique_ptr<control::DirectoryFeed> farm_feed_;  // Of level 1.
  std::unique_ptr<link::ChildFeeds> child_feeds_;      // Of level 2.
  Uplink::Options options_;
  std::unique_ptr<Uplink> uplink_;

  std::map<std::pair<int, int>, Copy> copies_;  // By engine and content.
  mutable absl::Mutex hidden_mutex_;
  std::set<int> hidden_ ABSL_GUARDED_BY(hidden_mutex_);

  // The feed of the farm below.
  std::set<int> introduced_;
  Bytes introductions_, records_;
  uint64_t sequence_ = 0;
  uint16_t count_ = 0;
};

}  // namespace strata::manager::uplink::testing
