#include "service_manager/link/child_feeds.h"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/tls/identity.h"
#include "multicast/driver/clock.h"
#include "service_manager/link/limits.h"
#include "service_manager/store/limits.h"

namespace strata::manager::link {

using control::HolderBook;
using directory::Holder;
using federation::FeedPosition;
using multicast::Now;

StatusOr<std::unique_ptr<ChildFeeds>> ChildFeeds::Open(const std::string& scope,
                                                       directory::LocationIndex& index,
                                                       store::Store& store, HolderBook& holders) {
  STRATA_ASSIGN_OR_RETURN(auto reader, directory::LocationReader::Register(index));
  auto feeds =
      std::unique_ptr<ChildFeeds>(new ChildFeeds(scope, index, store, holders, std::move(reader)));
  absl::MutexLock lock(&feeds->mutex_);
  STRATA_RETURN_IF_ERROR(feeds->LoadFeeds());
  return feeds;
}

ChildFeeds::ChildFeeds(const std::string& scope, directory::LocationIndex& index,
                       store::Store& store, HolderBook& holders, directory::LocationReader reader)
    : scope_(scope), index_(index), store_(store), holders_(holders), reader_(std::move(reader)) {}

// ---- Whom this manager hears.

Status ChildFeeds::Lead() {
  STRATA_RETURN_IF_ERROR(holders_.Load());
  STRATA_RETURN_IF_ERROR(store_.Sync());  // Positions are given as durable ones.
  absl::MutexLock lock(&mutex_);
  if (leads_) return Ok();
  if (hears_leader_) {
    STRATA_RETURN_IF_ERROR(HearOthers(false));
  } else {
    // Another manager may have led, and forgotten children that this one knows.
    STRATA_RETURN_IF_ERROR(LoadFeeds());
  }
  leads_ = true;
  return Ok();
}

void ChildFeeds::Follow() {
  absl::MutexLock lock(&mutex_);
  leads_ = false;
  removal_.reset();
  silent_ = {};
}

// What the copies come by from now on has a position of its own; those of before mean nothing, as
// what they stand for is changed by others.
Status ChildFeeds::HearOthers(bool leader) {
  STRATA_ASSIGN_OR_RETURN(const auto positions, store_.ChildPositions());
  store::LocationBatch batch;
  for (const store::ChildPosition& position : positions) batch.forgotten.push_back(position.child);
  STRATA_RETURN_IF_ERROR(store_.Apply(batch).status());
  hears_leader_ = leader;
  feeds_.clear();
  return LoadFeeds();
}

Status ChildFeeds::LoadFeeds() {
  STRATA_ASSIGN_OR_RETURN(const auto positions, store_.ChildPositions());
  Known known;
  for (const store::ChildPosition& position : positions) {
    hears_leader_ = hears_leader_ || IsLeader(position.child);
    known[position.child].position = {.epoch = position.epoch, .sequence = position.sequence};
  }
  for (const HolderBook::EntryPtr& entry : holders_.all()) {
    federation::KnownOfChild& teller = known[hears_leader_ ? scope_ : entry->child];
    teller.holders.push_back({entry->number, entry->name});
  }
  CountDigests(known);
  feeds_.clear();
  for (const auto& [child, of_child] : known) AddFeed(child, of_child);
  return Ok();
}

// All in one walk: it takes as long as a look at each location.
void ChildFeeds::CountDigests(Known& known) {
  struct Owner {
    federation::RangeDigests* digests = nullptr;  // Null: nobody's.
    federation::HolderIdentity identity;
  };
  absl::flat_hash_map<Holder, Owner> owners;
  for (auto& [_, of_child] : known) {
    for (const federation::KnownHolder& holder : of_child.holders) {
      owners[holder.holder] = {&of_child.digests, federation::IdentityOf(holder.name)};
    }
  }
  nobodys_.clear();
  // A number that is nobody's any more. To a backup it is a holder whose name the manager that
  // leads never tells: so the range differs, is told anew, and the copies go.
  const auto disown = [&](Holder number) {
    mutex_.AssertHeld();
    if (!hears_leader_) {
      nobodys_.insert(number);
      return Owner();
    }
    federation::KnownOfChild& leader = known[scope_];
    const federation::KnownHolder nobody = {number, {"", std::to_string(number.value())}};
    leader.holders.push_back(nobody);
    return Owner{&leader.digests, federation::IdentityOf(nobody.name)};
  };
  const auto count = [&](const farm::ContentKey& key, std::span<const directory::Location> all) {
    for (const directory::Location& location : all) {
      auto owner = owners.find(location.holder);
      if (owner == owners.end()) {
        owner = owners.emplace(location.holder, disown(location.holder)).first;
      }
      const auto& [digests, identity] = owner->second;
      if (digests != nullptr) digests->Add(key, identity, location.flags);
    }
  };
  for (uint32_t part = 0; part < directory::kParts; ++part) {
    directory::LocationReader::Session session(reader_);
    session.VisitPart(part, count);
  }
}

ChildFeeds::Feed& ChildFeeds::AddFeed(const std::string& child,
                                      const federation::KnownOfChild& known) {
  federation::FeedReceiverOptions options;
  options.child = child;
  options.is_leader = IsLeader(child);
  Feed& feed = feeds_[child];
  feed.durable = known.position;
  feed.receiver = std::make_unique<federation::FeedReceiver>(options, index_, reader_, known);
  return feed;
}

ChildFeeds::Feed* ChildFeeds::FindFeed(const std::string& child) {
  const auto found = feeds_.find(child);
  return found == feeds_.end() ? nullptr : &found->second;
}

// ---- Streams.

Status ChildFeeds::CheckComes(const std::string& child) const {
  if (IsLeader(child) && leads_) return Unavailable("this manager leads %s", scope_.c_str());
  if (IsLeader(child)) return Ok();
  if (!leads_) return Unavailable("this manager does not lead %s", scope_.c_str());
  if (removal_ && !removal_->child.empty() &&
      (tls::ScopeCovers(child, removal_->child) || tls::ScopeCovers(removal_->child, child))) {
    return Unavailable("%s is being forgotten", removal_->child.c_str());
  }
  return Ok();
}

StatusOr<federation::FeedWelcome> ChildFeeds::Connect(const std::string& child,
                                                      const federation::FeedGreeting& greeting) {
  if (IsLeader(child)) STRATA_RETURN_IF_ERROR(holders_.Load());
  absl::MutexLock lock(&mutex_);
  STRATA_RETURN_IF_ERROR(CheckComes(child));
  if (IsLeader(child) && !hears_leader_) STRATA_RETURN_IF_ERROR(HearOthers(true));
  Feed* feed = FindFeed(child);
  if (feed == nullptr) {
    if (feeds_.size() >= store::kFeedsMax) {
      return ResourceExhausted("%zu children are known, as many as a store takes", feeds_.size());
    }
    feed = &AddFeed(child, {});
  }
  feed->comparisons.clear();
  feed->connected = true;
  return feed->receiver->Connected(greeting);
}

void ChildFeeds::Disconnect(const std::string& child) {
  absl::MutexLock lock(&mutex_);
  if (Feed* feed = FindFeed(child)) feed->connected = false;
}

Status ChildFeeds::Take(const std::string& child, ByteSpan batch) {
  STRATA_ASSIGN_OR_RETURN(const Introductions introduced, IntroducedBy(batch));
  Numbers numbers;
  if (IsLeader(child)) {
    STRATA_RETURN_IF_ERROR(AwaitNumbers(introduced));
  } else {
    STRATA_ASSIGN_OR_RETURN(numbers, Enroll(child, introduced));
  }
  absl::MutexLock lock(&mutex_);
  STRATA_RETURN_IF_ERROR(CheckComes(child));
  Feed* feed = FindFeed(child);
  if (feed == nullptr) return Unavailable("%s is not heard any more", child.c_str());
  return TakeIn(*feed, child, numbers, batch);
}

StatusOr<ChildFeeds::Introductions> ChildFeeds::IntroducedBy(ByteSpan batch) {
  STRATA_ASSIGN_OR_RETURN(federation::FeedBatch opened, federation::FeedBatch::Open(batch));
  Introductions introduced;
  while (std::optional<federation::FeedRecord> record = opened.Next()) {
    if (auto* introduction = std::get_if<federation::Introduction>(&*record)) {
      introduced.push_back(std::move(*introduction));
    }
  }
  return introduced;
}

// New holders are written to the disk, and waited for: all that the batch introduces at once.
StatusOr<ChildFeeds::Numbers> ChildFeeds::Enroll(const std::string& child,
                                                 const Introductions& introduced) {
  std::vector<HolderBook::Told> told;
  for (const federation::Introduction& one : introduced) told.push_back({one.name, one.clients});
  STRATA_ASSIGN_OR_RETURN(const std::vector<Holder> numbers, holders_.Enroll(child, told));
  Numbers by_name;
  for (size_t i = 0; i < told.size(); ++i) by_name[told[i].name] = numbers[i];
  return by_name;
}

// The manager that leads gave the numbers, and tells them by the mirror, too, which may be later.
// So with addresses: but those are not waited for, as newer ones may be here already.
Status ChildFeeds::AwaitNumbers(const Introductions& introduced) {
  const auto find = [this](const federation::Introduction& one) {
    const HolderBook::EntryPtr entry = holders_.Find(one.holder);
    return entry != nullptr && entry->name == one.name ? entry : nullptr;
  };
  const auto is_known = [&](const federation::Introduction& one) { return find(one) != nullptr; };
  const auto is_same = [&](const federation::Introduction& one) {
    const HolderBook::EntryPtr entry = find(one);
    return entry != nullptr && entry->clients == one.clients;
  };
  if (std::ranges::all_of(introduced, is_same)) return Ok();
  const Timestamp give_up_at = Now() + kHolderWait;
  while (true) {
    STRATA_RETURN_IF_ERROR(holders_.Load());
    const auto unknown = std::ranges::find_if_not(introduced, is_known);
    if (unknown == introduced.end()) return Ok();
    if (Now() >= give_up_at) {
      return Unavailable("number %u of %s has not come here", unknown->holder.value(),
                         ToString(unknown->name).c_str());
    }
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&leads_), absl::FromChrono(kHolderLook))) {
      return Unavailable("this manager leads %s", scope_.c_str());
    }
  }
}

Status ChildFeeds::TakeIn(Feed& feed, const std::string& child, const Numbers& numbers,
                          ByteSpan batch) {
  const auto number_of = [&](const federation::Introduction& introduction) {
    return StatusOr<Holder>(IsLeader(child) ? introduction.holder : numbers.at(introduction.name));
  };
  if (observer_ != nullptr) {
    for (const auto& [_, number] : numbers) observer_->OnHolder(number);
  }
  FeedChanges changes;
  const auto apply = [&](const federation::ToldCopy& told) {
    mutex_.AssertHeld();
    if (!ApplyToIndex(told)) return false;
    if (observer_ != nullptr) Observe(told, changes);
    changes.Add(told);
    if (told.copy == nullptr && !index_.Contains(told.key)) changes.ForgetUri(told.key);
    return true;
  };
  const federation::FeedReceiverCounts before = feed.receiver->counts();
  STRATA_ASSIGN_OR_RETURN(federation::FeedReceiver::Received received,
                          feed.receiver->Take(batch, number_of, apply));
  const federation::FeedReceiverCounts& after = feed.receiver->counts();
  // A store that cannot write takes nothing more: nobody hears that this batch is durable.
  STRATA_ASSIGN_OR_RETURN(const uint64_t number,
                          store_.Apply(changes.Take(child, received.position)));
  if (observer_ != nullptr) observer_->OnStored(observer_->Mark(), number);
  feed.not_durable.push_back({.batch = number,
                              .position = received.position,
                              .changes = after.copies + after.gone - before.copies - before.gone,
                              .intervals = after.intervals - before.intervals});
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

void ChildFeeds::Observe(const federation::ToldCopy& told, const FeedChanges& changes) {
  if (told.copy == nullptr) {
    if (!told.before) return;
    observer_->OnChange({.key = told.key,
                         .holder = told.holder,
                         .before = told.before,
                         .forgets_uri = !index_.Contains(told.key)});
  } else if (!changes.IsAsBefore(told, store_)) {
    observer_->OnChange({.key = told.key,
                         .holder = told.holder,
                         .before = told.before,
                         .copy = *told.copy,
                         .uri = told.uri});
  } else if (!told.uri.empty()) {
    observer_->OnUri(told.key, told.uri);
  }
}

ChildFeeds::Answers ChildFeeds::AnswersFor(const std::string& child) {
  absl::MutexLock lock(&mutex_);
  Feed* feed = FindFeed(child);
  if (feed == nullptr) return {};
  Answers answers;
  const uint64_t synced = store_.SyncedUpTo();
  while (!feed->not_durable.empty() && feed->not_durable.front().batch <= synced) {
    const Feed::Applied& applied = feed->not_durable.front();
    feed->durable = applied.position;
    answers.changes += applied.changes;
    answers.intervals += applied.intervals;
    feed->not_durable.pop_front();
  }
  std::swap(answers.comparisons, feed->comparisons);
  answers.acknowledgement = feed->receiver->OnDurable(feed->durable);
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
    sum.intervals += one.intervals;
    sum.not_taken += one.not_taken;
    sum.compared += one.compared;
    sum.differing += one.differing;
  }
  return sum;
}

// ---- Children without a stream.

std::vector<std::string> ChildFeeds::Silent() const {
  std::vector<std::string> silent = holders_.Children();
  for (const auto& [child, _] : feeds_) silent.push_back(child);
  std::ranges::sort(silent);
  const auto [first, last] = std::ranges::unique(silent);
  silent.erase(first, last);
  std::erase_if(silent, [this](const std::string& child) {
    mutex_.AssertHeld();
    const auto found = feeds_.find(child);
    return found != feeds_.end() && found->second.connected;
  });
  return silent;
}

std::vector<std::string> ChildFeeds::stale() const {
  absl::MutexLock lock(&mutex_);
  if (!leads_) return {};
  return Silent();
}

void ChildFeeds::BeginRemoval(Duration limit, Timestamp now) {
  Removal removal;
  if (!nobodys_.empty()) {
    removal.holders = std::exchange(nobodys_, {});
  } else if (const std::optional<std::string> child = silent_.Longest(limit, now)) {
    removal.child = *child;
    for (const auto& entry : holders_.OfChild(*child)) removal.holders.insert(entry->number);
    feeds_.erase(*child);
  } else {
    return;
  }
  const std::vector<Holder> holders(removal.holders.begin(), removal.holders.end());
  removal.steps = std::make_unique<control::ChildRemoval>(
      removal.child, holders, control::ChildRemoval::Directory{index_, reader_, store_});
  removal_ = std::move(removal);
}

StatusOr<bool> ChildFeeds::ForgetSilent(Duration limit, Timestamp now) {
  std::string child;
  absl::flat_hash_set<Holder> removed;
  {
    absl::MutexLock lock(&mutex_);
    if (!leads_) return false;
    silent_.Look(Silent(), now);
    if (!removal_) BeginRemoval(limit, now);
    if (!removal_) return false;
    if (!removal_->steps->done()) {
      STRATA_RETURN_IF_ERROR(removal_->steps->Continue(observer_));
      return true;
    }
    child = removal_->child;
    removed = removal_->holders;
  }
  if (!child.empty()) {
    const auto in_use = [&removed](Holder number) { return !removed.contains(number); };
    STRATA_RETURN_IF_ERROR(holders_.Forget(child, in_use).status());
  }
  absl::MutexLock lock(&mutex_);
  if (!removal_) return false;
  if (!child.empty()) ++forgotten_;
  forgotten_copies_ += removal_->steps->removed();
  removal_.reset();
  return true;
}

uint64_t ChildFeeds::forgotten() const {
  absl::MutexLock lock(&mutex_);
  return forgotten_;
}

uint64_t ChildFeeds::forgotten_copies() const {
  absl::MutexLock lock(&mutex_);
  return forgotten_copies_;
}

}  // namespace strata::manager::link
