#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "common/time.h"
#include "service_manager/routing/federation_snapshot.h"
#include "service_manager/routing/region_map.h"
#include "service_manager/routing/routed_holders.h"
#include "service_manager/routing/scope_load_table.h"
#include "service_manager/routing/sites_by_host.h"

namespace strata::manager::frontend {

// The file of a region map. A million lines have some 30 MB.
inline constexpr size_t kRegionFileBytesMax = size_t{256} << 20;

// The region map of a file; of no name: nobody is in any region. Errors name the file, and the line
// where there is one.
StatusOr<std::shared_ptr<const routing::RegionMap>> ReadRegionMap(const std::string& path);

// What a manager above level 1 knows, as its parts have it: asked by the publisher's thread.
struct FederationSources {
  // The same object until a site changes. Null: not known yet, and nothing is published.
  std::function<std::shared_ptr<const routing::SitesByHost>()> sites;
  // All holders that children told of, and a number that has changed when they have: HolderBook's
  // all() and changes().
  std::function<std::vector<routing::RoutedHolder>()> holders;
  std::function<uint64_t()> holder_changes;
  // Attachments' routed_children() and WithLoads().
  std::function<std::vector<routing::ChildScope>()> children;
  // Scopes that have missed purges, by site.
  std::function<std::map<std::string, std::set<std::string, std::less<>>>()> unpurged;
  using ReadLoads = absl::FunctionRef<void(const routing::ScopeLoadTable&)>;
  std::function<void(ReadLoads)> loads;
};

struct FederationPublisherOptions {
  routing::ChoiceSettings choice;
  std::string region_file;  // Empty: there is none.
  // What is known gets old: so often in any case. And what changes is published at most so often,
  // and looked for as long as there is nothing to publish.
  Duration publish_every = std::chrono::seconds(1);
  Duration publish_pause = std::chrono::milliseconds(50);
};

// Makes the snapshots that the front end of a manager above level 1 answers from: when something
// has changed, and each second. A thread of its own; any thread may call.
class FederationPublisher {
 public:
  // FrontEnd::Publish, say.
  using Publish = std::function<void(std::shared_ptr<const routing::FederationSnapshot>)>;

  // Reads the region map: its errors are those of Start. `metrics` must outlive it, and what
  // `sources` and `publish` use.
  static StatusOr<std::unique_ptr<FederationPublisher>> Start(FederationPublisherOptions options,
                                                              FederationSources sources,
                                                              Publish publish,
                                                              MetricRegistry& metrics);
  ~FederationPublisher();
  FederationPublisher(const FederationPublisher&) = delete;
  FederationPublisher& operator=(const FederationPublisher&) = delete;

  // A site, a holder, a child or a load has changed: it is published soon. Waits for nobody.
  void OnChange();
  // Reads the region map again, and takes both; an error leaves all as it was. One thread at a
  // time. A map of a million lines takes half a second.
  Status Reload(const routing::ChoiceSettings& choice, const std::string& region_file);

 private:
  FederationPublisher(FederationPublisherOptions options, FederationSources sources,
                      Publish publish, MetricRegistry& metrics);

  void Run();
  // False when it is to end. Else something has changed, or it is time.
  bool WaitForWork();
  void PublishOnce();
  // Made anew only when the holders, or the regions, are others.
  void RefreshHolders(const std::shared_ptr<const routing::RegionMap>& regions);

  const FederationSources sources_;
  const Publish publish_;
  const Duration publish_every_;
  const Duration publish_pause_;
  Counter& snapshots_;
  Gauge& prefixes_;

  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = true;
  routing::ChoiceSettings choice_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const routing::RegionMap> regions_ ABSL_GUARDED_BY(mutex_);

  // Of its thread: whether anything was published, the holders, and what they were made of.
  bool published_ = false;
  std::shared_ptr<const routing::RoutedHolders> holders_;
  std::shared_ptr<const routing::RegionMap> holders_regions_;
  uint64_t holders_changes_ = 0;
  std::thread thread_;
};

}  // namespace strata::manager::frontend
