#include "service_manager/control/directory_feed.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/thread_priority.h"
#include "service_manager/directory/location_reader.h"

namespace strata::manager::control {
namespace {

using directory::Holder;
using directory::Location;

// Contents that one step of a reconciliation looks at while the table is locked.
constexpr size_t kStepContents = 2000;

directory::LocationFlags FlagsOf(const farm::Asset& asset) {
  directory::LocationFlags flags = 0;
  if (asset.kind == farm::AssetKind::kLibrary) flags |= directory::kLibrary;
  if (asset.complete) flags |= directory::kComplete;
  return flags;
}

federation::FeedCopy CopyOf(const farm::Asset& asset) {
  federation::FeedCopy copy{.flags = FlagsOf(asset), .size_bytes = asset.size};
  if (asset.lifetime != Duration::zero()) copy.remaining = asset.lifetime;
  copy.validator = asset.validator;
  return copy;
}

store::StoredLocation StoredOf(const farm::ContentKey& key, Holder holder,
                               const federation::FeedCopy& copy) {
  return {.key = key,
          .location = {holder, copy.flags},
          .size_bytes = copy.size_bytes,
          .remaining = copy.remaining,
          .validator = std::string(copy.validator)};
}

}  // namespace

DirectoryFeed::DirectoryFeed(directory::LocationIndex& index, store::Store& store,
                             MetricRegistry& metrics)
    : index_(index),
      store_(store),
      unstored_(metrics.AddCounter({.name = "strata_directory_changes_unstored_total",
                                    .help = "Changes of locations that were not stored, since too "
                                            "many waited or a write had failed."})),
      too_many_(metrics.AddCounter({.name = "strata_directory_locations_refused_total",
                                    .help = "Locations beyond what the index takes of one "
                                            "content."})),
      storer_([this] { StoreLoop(); }) {}

DirectoryFeed::~DirectoryFeed() {
  {
    absl::MutexLock lock(&queue_mutex_);
    stop_ = true;
  }
  storer_.join();
}

void DirectoryFeed::OnCopy(farm::EngineId engine, const farm::ContentKey& key,
                           const farm::Asset* asset, bool as_before) {
  const Holder holder(engine.value());
  absl::MutexLock lock(&index_mutex_);
  Change change{.told = {.key = key, .holder = holder, .before = index_.FlagsOf(key, holder)}};
  if (asset == nullptr) {
    change.is_news = index_.Remove(key, holder);
  } else {
    change.told.copy = CopyOf(*asset);
    const directory::AddResult added = index_.Add(key, {holder, change.told.copy->flags});
    if (added == directory::AddResult::kTooMany) {
      too_many_.Add();
      return;
    }
    change.is_news = added != directory::AddResult::kUnchanged || !as_before;
  }
  Queue(change);
}

void DirectoryFeed::AddAll(const farm::StateTable& table) {
  for (const auto& [engine, row] : table.rows()) {
    table.VisitCopies(engine,
                      [this, id = engine](const farm::ContentKey& key, const farm::Asset& asset) {
                        OnCopy(id, key, &asset, /*as_before=*/true);
                      });
  }
}

uint64_t DirectoryFeed::Reconcile(farm::EngineId engine,
                                  const std::function<void(const Step&)>& with_table) {
  StatusOr<directory::LocationReader> reader = directory::LocationReader::Register(index_);
  if (!reader.ok()) return 0;  // So many readers there are not.
  const Holder holder(engine.value());
  uint64_t removed = 0;
  for (uint32_t part = 0; part < directory::kParts; ++part) {
    std::vector<farm::ContentKey> keys;
    {
      directory::LocationReader::Session session(*reader);
      session.VisitPart(part, [&](const farm::ContentKey& key, std::span<const Location> holders) {
        const auto is = [holder](const Location& location) { return location.holder == holder; };
        if (std::any_of(holders.begin(), holders.end(), is)) keys.push_back(key);
      });
    }
    for (size_t at = 0; at < keys.size(); at += kStepContents) {
      const size_t end = std::min(keys.size(), at + kStepContents);
      with_table([&](const farm::StateTable& table) {
        for (size_t i = at; i < end; ++i) {
          if (table.FindAsset(engine, keys[i]) != nullptr) continue;
          OnCopy(engine, keys[i], nullptr, false);
          ++removed;
        }
      });
    }
  }
  return removed;
}

void DirectoryFeed::AddUri(const farm::ContentKey& key, std::string uri) {
  if (uri.size() > farm::kMaxCanonicalUriBytes) return;
  // The observer looks into the index, which must not be ahead of what it heard.
  absl::MutexLock index_lock(&index_mutex_);
  absl::MutexLock lock(&queue_mutex_);
  if (Full()) return;
  if (observer_ != nullptr) observer_->OnUri(key, uri);
  queue_.uris.push_back({key, std::move(uri)});
}

void DirectoryFeed::Queue(const Change& change) {
  const uplink::DirectoryChange& told = change.told;
  absl::MutexLock lock(&queue_mutex_);
  if (Full()) return;
  std::optional<store::StoredLocation>& location =
      queue_.locations[{told.key, told.holder.value()}];
  location.reset();
  if (told.copy) location = StoredOf(told.key, told.holder, *told.copy);
  if (observer_ != nullptr && change.is_news) observer_->OnChange(told);
}

void DirectoryFeed::SetObserver(uplink::DirectoryObserver* observer) {
  absl::MutexLock index_lock(&index_mutex_);
  absl::MutexLock lock(&queue_mutex_);
  observer_ = observer;
  ++observers_;
  observer_is_new_ = observer != nullptr;
}

// In the order of the contents, as they lie in the store: many times faster to look up and to write
// when they are many.
Status DirectoryFeed::StoreLocations(Waiting& waiting) {
  using Change = decltype(waiting.locations)::value_type;
  std::vector<std::pair<uint64_t, Change*>> changes;
  changes.reserve(waiting.locations.size());
  for (Change& change : waiting.locations) changes.emplace_back(change.first.first.high, &change);
  std::sort(changes.begin(), changes.end());
  for (size_t at = 0; at < changes.size(); at += kStoredAtOnceMax) {
    store::LocationBatch batch;
    for (size_t i = at; i < std::min(changes.size(), at + kStoredAtOnceMax); ++i) {
      auto& [place, location] = *changes[i].second;
      if (location) {
        batch.stored.push_back(*std::move(location));
      } else {
        batch.gone.push_back({place.first, Holder(place.second)});
      }
    }
    STRATA_RETURN_IF_ERROR(store_.Apply(batch).status());
  }
  return Ok();
}

Status DirectoryFeed::StoreUris(Waiting& waiting) {
  using Uri = store::LocationBatch::Uri;
  const auto before = [](const Uri& a, const Uri& b) { return a.key < b.key; };
  std::sort(waiting.uris.begin(), waiting.uris.end(), before);
  for (size_t at = 0; at < waiting.uris.size(); at += kStoredAtOnceMax) {
    const size_t end = std::min(waiting.uris.size(), at + kStoredAtOnceMax);
    store::LocationBatch batch;
    for (size_t i = at; i < end; ++i) batch.uris.push_back(std::move(waiting.uris[i]));
    STRATA_RETURN_IF_ERROR(store_.Apply(batch).status());
  }
  return Ok();
}

bool DirectoryFeed::Full() {
  if (status_.ok() && queue_.size() < kUnstoredMax) return false;
  unstored_.Add();
  return true;
}

Status DirectoryFeed::store_status() const {
  absl::MutexLock lock(&queue_mutex_);
  return status_;
}

void DirectoryFeed::Flush() {
  absl::MutexLock lock(&queue_mutex_);
  const auto idle = [this]()
                        ABSL_NO_THREAD_SAFETY_ANALYSIS { return !storing_ && queue_.size() == 0; };
  queue_mutex_.Await(absl::Condition(&idle));
}

bool DirectoryFeed::Take(Waiting& waiting, Told& told) {
  absl::MutexLock lock(&queue_mutex_);
  storing_ = false;
  const auto ready = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return stop_ || queue_.size() > 0 || observer_is_new_;
  };
  queue_mutex_.Await(absl::Condition(&ready));
  if (stop_ && queue_.size() == 0) return false;
  std::swap(waiting, queue_);
  storing_ = true;
  observer_is_new_ = false;
  if (observer_ != nullptr) told = {.observers = observers_, .mark = observer_->Mark()};
  return true;
}

StatusOr<uint64_t> DirectoryFeed::StoreAll(Waiting& waiting) {
  STRATA_RETURN_IF_ERROR(StoreLocations(waiting));
  STRATA_RETURN_IF_ERROR(StoreUris(waiting));
  return store_.Apply({});  // Nothing, by the number of the batch before.
}

void DirectoryFeed::OnStored(const Told& told, const StatusOr<uint64_t>& stored) {
  absl::MutexLock lock(&queue_mutex_);
  if (!stored.ok()) {
    status_ = stored.status();
    queue_ = {};
  } else if (observer_ != nullptr && told.observers == observers_) {
    observer_->OnStored(told.mark, *stored);
  }
}

void DirectoryFeed::StoreLoop() {
  YieldToOthers();  // The farm does not wait for it: the index has it all.
  while (true) {
    Waiting waiting;
    Told told;
    if (!Take(waiting, told)) return;
    const StatusOr<uint64_t> stored = StoreAll(waiting);
    if (!stored.ok()) {
      Logger("directory")
          .Error("locations cannot be stored", {{"error", MessageOf(stored.status())}});
    }
    OnStored(told, stored);
  }
}

}  // namespace strata::manager::control
