#include "service_manager/frontend/federation_publisher.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "common/file.h"
#include "multicast/driver/clock.h"

namespace strata::manager::frontend {

using routing::FederationSnapshot;
using routing::RegionMap;

namespace {

// Where children and holders are many, making a snapshot costs at most one part of the time in so
// many.
constexpr int kShareOfTime = 10;

}  // namespace

StatusOr<std::shared_ptr<const RegionMap>> ReadRegionMap(const std::string& path) {
  if (path.empty()) return std::make_shared<const RegionMap>();
  STRATA_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kRegionFileBytesMax));
  StatusOr<std::shared_ptr<const RegionMap>> map = RegionMap::Parse(text);
  if (map.ok()) return map;
  return MakeStatus(map.status().code(), path + ": " + MessageOf(map.status()));
}

StatusOr<std::unique_ptr<FederationPublisher>> FederationPublisher::Start(
    FederationPublisherOptions options, FederationSources sources, Publish publish,
    MetricRegistry& metrics) {
  const std::string region_file = options.region_file;
  const routing::ChoiceSettings choice = options.choice;
  std::unique_ptr<FederationPublisher> publisher(
      new FederationPublisher(std::move(options), std::move(sources), std::move(publish), metrics));
  STRATA_RETURN_IF_ERROR(publisher->Reload(choice, region_file));
  try {
    publisher->thread_ = std::thread([self = publisher.get()] { self->Run(); });
  } catch (const std::system_error& error) {
    return ResourceExhausted("front end: no thread: %s", error.what());
  }
  return publisher;
}

FederationPublisher::FederationPublisher(FederationPublisherOptions options,
                                         FederationSources sources, Publish publish,
                                         MetricRegistry& metrics)
    : sources_(std::move(sources)),
      publish_(std::move(publish)),
      publish_every_(options.publish_every),
      publish_pause_(options.publish_pause),
      snapshots_(metrics.AddCounter({.name = "strata_frontend_snapshots_total",
                                     .help = "Times that what requests are answered from was made "
                                             "anew, above level 1."})),
      prefixes_(metrics.AddGauge({.name = "strata_frontend_region_prefixes",
                                  .help = "Prefixes of addresses in the region map."})) {}

FederationPublisher::~FederationPublisher() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void FederationPublisher::OnChange() {
  absl::MutexLock lock(&mutex_);
  changed_ = true;
}

Status FederationPublisher::Reload(const routing::ChoiceSettings& choice,
                                   const std::string& region_file) {
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<const RegionMap> regions, ReadRegionMap(region_file));
  prefixes_.Set(static_cast<double>(regions->prefixes()));
  absl::MutexLock lock(&mutex_);
  choice_ = choice;
  regions_ = std::move(regions);
  changed_ = true;
  return Ok();
}

void FederationPublisher::Run() {
  while (WaitForWork()) {
    const Timestamp began = multicast::Now();
    PublishOnce();
    const Duration rest = (multicast::Now() - began) * (kShareOfTime - 1);
    const Duration pause = std::max(publish_pause_, std::min(rest, publish_every_));
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(pause));
  }
}

bool FederationPublisher::WaitForWork() {
  absl::MutexLock lock(&mutex_);
  const auto work = [this] {
    mutex_.AssertHeld();
    return stop_ || changed_;
  };
  // As long as there is nothing to answer from, clients are told that this manager starts; that the
  // sites are known is no change that anybody tells of.
  const Duration limit = published_ ? publish_every_ : publish_pause_;
  mutex_.AwaitWithTimeout(absl::Condition(&work), absl::FromChrono(limit));
  changed_ = false;
  return !stop_;
}

void FederationPublisher::RefreshHolders(const std::shared_ptr<const RegionMap>& regions) {
  // The number first: what changes meanwhile makes another one.
  const uint64_t changes = sources_.holder_changes();
  if (holders_ != nullptr && changes == holders_changes_ && regions == holders_regions_) return;
  holders_ = std::make_shared<const routing::RoutedHolders>(sources_.holders(), *regions);
  holders_changes_ = changes;
  holders_regions_ = regions;
}

void FederationPublisher::PublishOnce() {
  FederationSnapshot::Parts parts;
  parts.sites = sources_.sites();
  if (parts.sites == nullptr) return;
  {
    absl::MutexLock lock(&mutex_);
    parts.settings = choice_;
    parts.regions = regions_;
  }
  RefreshHolders(parts.regions);
  parts.holders = holders_;
  parts.children = sources_.children();
  parts.unpurged = sources_.unpurged();
  std::shared_ptr<const FederationSnapshot> snapshot;
  sources_.loads([&](const routing::ScopeLoadTable& loads) {
    snapshot =
        std::make_shared<const FederationSnapshot>(std::move(parts), loads, multicast::Now());
  });
  publish_(std::move(snapshot));
  published_ = true;
  snapshots_.Add();
}

}  // namespace strata::manager::frontend
