#include "service_manager/link/child_feeds.h"

#include <span>
#include <utility>
#include <variant>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "farm/state_table.h"
#include "service_manager/store/limits.h"

namespace strata::manager::link {

using directory::Holder;
using federation::FeedPosition;

// What a batch of a feed changes, for the store: of each location and content the last word, in
// the order of the keys, as they lie there.
class ChildFeeds::Changes {
 public:
  void Add(const federation::ToldCopy& told) {
    std::optional<store::StoredLocation>& change = locations_[{told.key, told.holder}];
    change.reset();
    if (told.copy != nullptr) {
      change = {.key = told.key,
                .location = {told.holder, told.copy->flags},
                .size_bytes = told.copy->size_bytes,
                .remaining = told.copy->remaining,
                .validator = std::string(told.copy->validator)};
    }
    if (!told.uri.empty()) uris_[told.key] = told.uri;
  }
  void ForgetUri(const farm::ContentKey& key) { uris_[key].clear(); }

  // The last word of this batch; null: it has said nothing, inside: that it is gone.
  const std::optional<store::StoredLocation>* Find(const farm::ContentKey& key,
                                                   Holder holder) const {
    const auto found = locations_.find({key, holder});
    return found == locations_.end() ? nullptr : &found->second;
  }

  store::LocationBatch Take(const std::string& child, const FeedPosition& position) {
    store::LocationBatch batch;
    for (auto& [place, change] : locations_) {
      if (change) {
        batch.stored.push_back(*std::move(change));
      } else {
        batch.gone.push_back({place.first, place.second});
      }
    }
    for (auto& [key, uri] : uris_) batch.uris.push_back({key, std::move(uri)});
    batch.positions.push_back({child, position.epoch, position.sequence});
    return batch;
  }

 private:
  absl::btree_map<std::pair<farm::ContentKey, Holder>, std::optional<store::StoredLocation>>
      locations_;
  absl::btree_map<farm::ContentKey, std::string> uris_;  // Empty: to be forgotten.
};

namespace {

// What is told anew of a copy says nothing new. Its lifetime has become less since.
bool IsSame(const store::StoredLocation& stored, const federation::FeedCopy& told) {
  if (stored.remaining.has_value() != told.remaining.has_value()) return false;
  if (told.remaining && *told.remaining > *stored.remaining + farm::kSameExpiry) return false;
  return stored.location.flags == told.flags && stored.size_bytes == told.size_bytes &&
         stored.validator == told.validator;
}

}  // namespace

StatusOr<std::unique_ptr<ChildFeeds>> ChildFeeds::Open(directory::LocationIndex& index,
                                                       store::Store& store,
                                                       control::HolderBook& holders) {
  STRATA_ASSIGN_OR_RETURN(auto reader, directory::LocationReader::Register(index));
  auto feeds =
      std::unique_ptr<ChildFeeds>(new ChildFeeds(index, store, holders, std::move(reader)));
  absl::MutexLock lock(&feeds->mutex_);
  STRATA_RETURN_IF_ERROR(feeds->LoadFeeds());
  return feeds;
}

ChildFeeds::ChildFeeds(directory::LocationIndex& index, store::Store& store,
                       control::HolderBook& holders, directory::LocationReader reader)
    : index_(index), store_(store), holders_(holders), reader_(std::move(reader)) {}

Status ChildFeeds::LoadFeeds() {
  STRATA_ASSIGN_OR_RETURN(const auto positions, store_.ChildPositions());
  Known known;
  for (const store::ChildPosition& position : positions) {
    federation::KnownOfChild& of_child = known[position.child];
    of_child.position = {.epoch = position.epoch, .sequence = position.sequence};
    for (const control::HolderBook::EntryPtr& entry : holders_.OfScope(position.child)) {
      of_child.holders.push_back({entry->number, entry->name});
    }
  }
  CountDigests(known);
  for (const auto& [child, of_child] : known) AddFeed(child, of_child);
  return Ok();
}

void ChildFeeds::CountDigests(Known& known) {
  struct Owner {
    federation::RangeDigests* digests;
    federation::HolderIdentity identity;
  };
  absl::flat_hash_map<Holder, Owner> owners;
  for (auto& [child, of_child] : known) {
    for (const federation::KnownHolder& holder : of_child.holders) {
      owners[holder.holder] = {&of_child.digests, federation::IdentityOf(holder.name)};
    }
  }
  for (uint32_t part = 0; part < directory::kParts; ++part) {
    directory::LocationReader::Session session(reader_);
    session.VisitPart(
        part, [&](const farm::ContentKey& key, std::span<const directory::Location> locations) {
          for (const directory::Location& location : locations) {
            const auto owner = owners.find(location.holder);
            if (owner == owners.end()) continue;
            owner->second.digests->Add(key, owner->second.identity, location.flags);
          }
        });
  }
}

ChildFeeds::Feed& ChildFeeds::AddFeed(const std::string& child,
                                      const federation::KnownOfChild& known) {
  federation::FeedReceiverOptions options;
  options.child = child;
  Feed& feed = feeds_[child];
  feed.durable = known.position;
  feed.receiver = std::make_unique<federation::FeedReceiver>(options, index_, reader_, known);
  return feed;
}

StatusOr<federation::FeedWelcome> ChildFeeds::Connect(const std::string& child,
                                                      const federation::FeedGreeting& greeting) {
  absl::MutexLock lock(&mutex_);
  auto found = feeds_.find(child);
  if (found == feeds_.end()) {
    if (feeds_.size() >= store::kFeedsMax) {
      return ResourceExhausted("%zu children are known, as many as a store takes", feeds_.size());
    }
    AddFeed(child, {});
    found = feeds_.find(child);
  }
  found->second.comparisons.clear();
  return found->second.receiver->Connected(greeting);
}

// All that the batch introduces at once: new holders are written to the disk, and waited for.
StatusOr<ChildFeeds::Numbers> ChildFeeds::Enroll(const std::string& child, ByteSpan batch) {
  STRATA_ASSIGN_OR_RETURN(federation::FeedBatch opened, federation::FeedBatch::Open(batch));
  std::vector<control::HolderBook::Told> told;
  while (std::optional<federation::FeedRecord> record = opened.Next()) {
    if (auto* introduction = std::get_if<federation::Introduction>(&*record)) {
      told.push_back({introduction->name, std::move(introduction->clients)});
    }
  }
  STRATA_ASSIGN_OR_RETURN(const std::vector<Holder> numbers, holders_.Enroll(child, told));
  Numbers by_name;
  for (size_t i = 0; i < told.size(); ++i) by_name[told[i].name] = numbers[i];
  return by_name;
}

Status ChildFeeds::Take(const std::string& child, ByteSpan batch) {
  STRATA_ASSIGN_OR_RETURN(const Numbers numbers, Enroll(child, batch));
  const auto number_of = [&numbers](const federation::Introduction& introduction) {
    return StatusOr<Holder>(numbers.at(introduction.name));
  };
  absl::MutexLock lock(&mutex_);
  Feed& feed = feeds_.at(child);
  if (observer_ != nullptr) {
    for (const auto& [_, number] : numbers) observer_->OnHolder(number);
  }
  Changes changes;
  const auto apply = [&](const federation::ToldCopy& told) {
    mutex_.AssertHeld();
    if (!ApplyToIndex(told)) return false;
    if (observer_ != nullptr) Observe(told, changes);
    changes.Add(told);
    if (told.copy == nullptr && !index_.Contains(told.key)) changes.ForgetUri(told.key);
    return true;
  };
  STRATA_ASSIGN_OR_RETURN(federation::FeedReceiver::Received received,
                          feed.receiver->Take(batch, number_of, apply));
  // A store that cannot write takes nothing more: nobody hears that this batch is durable.
  STRATA_ASSIGN_OR_RETURN(const uint64_t number,
                          store_.Apply(changes.Take(child, received.position)));
  if (observer_ != nullptr) observer_->OnStored(observer_->Mark(), number);
  feed.not_durable.push_back({.batch = number, .position = received.position});
  for (federation::FeedComparison& comparison : received.comparisons) {
    feed.comparisons.push_back(std::move(comparison));
  }
  return Ok();
}

bool ChildFeeds::ApplyToIndex(const federation::ToldCopy& told) {
  if (told.copy == nullptr) {
    index_.Remove(told.key, told.holder);
    return true;
  }
  return index_.Add(told.key, {told.holder, told.copy->flags}) != directory::AddResult::kTooMany;
}

void ChildFeeds::SetObserver(uplink::DirectoryObserver* observer) {
  absl::MutexLock lock(&mutex_);
  observer_ = observer;
  if (observer_ == nullptr) return;
  // All that the index has is in the batch before. A store that failed stores nothing any more.
  const StatusOr<uint64_t> batch = store_.Apply({});
  if (batch.ok()) observer_->OnStored(observer_->Mark(), *batch);
}

void ChildFeeds::Observe(const federation::ToldCopy& told, const Changes& changes) {
  if (told.copy == nullptr) {
    if (!told.before) return;
    observer_->OnChange({.key = told.key,
                         .holder = told.holder,
                         .before = told.before,
                         .forgets_uri = !index_.Contains(told.key)});
  } else if (!IsAsBefore(told, changes)) {
    observer_->OnChange({.key = told.key,
                         .holder = told.holder,
                         .before = told.before,
                         .copy = *told.copy,
                         .uri = told.uri});
  } else if (!told.uri.empty()) {
    observer_->OnUri(told.key, told.uri);
  }
}

// Only what is told with all of its range may be.
bool ChildFeeds::IsAsBefore(const federation::ToldCopy& told, const Changes& changes) {
  if (!told.anew || told.before != told.copy->flags) return false;
  if (const auto* changed = changes.Find(told.key, told.holder)) {
    return changed->has_value() && IsSame(**changed, *told.copy);
  }
  const auto stored = store_.FindLocation(told.key, told.holder);
  return stored.ok() && stored->has_value() && IsSame(**stored, *told.copy);
}

ChildFeeds::Answers ChildFeeds::AnswersFor(const std::string& child) {
  absl::MutexLock lock(&mutex_);
  Feed& feed = feeds_.at(child);
  const uint64_t synced = store_.SyncedUpTo();
  while (!feed.not_durable.empty() && feed.not_durable.front().batch <= synced) {
    feed.durable = feed.not_durable.front().position;
    feed.not_durable.pop_front();
  }
  Answers answers;
  std::swap(answers.comparisons, feed.comparisons);
  answers.acknowledgement = feed.receiver->OnDurable(feed.durable);
  return answers;
}

FeedPosition ChildFeeds::PositionOf(const std::string& child) const {
  absl::MutexLock lock(&mutex_);
  const auto found = feeds_.find(child);
  return found == feeds_.end() ? FeedPosition() : found->second.receiver->position();
}

federation::FeedReceiverCounts ChildFeeds::counts() const {
  absl::MutexLock lock(&mutex_);
  federation::FeedReceiverCounts sum;
  for (const auto& [_, feed] : feeds_) {
    const federation::FeedReceiverCounts& one = feed.receiver->counts();
    sum.batches += one.batches;
    sum.records += one.records;
    sum.skipped += one.skipped;
    sum.copies += one.copies;
    sum.gone += one.gone;
    sum.not_taken += one.not_taken;
    sum.compared += one.compared;
    sum.differing += one.differing;
  }
  return sum;
}

}  // namespace strata::manager::link
