#include "service_manager/uplink/inbox.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "multicast/driver/clock.h"
#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::uplink {
namespace {

using multicast::Now;

bool LooksAtUris(const federation::ForwardingMatcher& matcher) {
  const auto& rules = matcher.policy().rules;
  return std::any_of(rules.begin(), rules.end(), [](const federation::ForwardingRule& rule) {
    return !rule.site.empty() || !rule.uri_prefix.empty();
  });
}

}  // namespace

Inbox::Inbox(store::Store& store, directory::LocationReader reader, const UplinkLimits& limits,
             const federation::ForwardingMatcher& policy)
    : store_(store),
      looks_at_uris_(LooksAtUris(policy)),
      reader_(std::move(reader)),
      found_(directory::kLocationsPerKeyMax),
      pending_(limits.pieces_max, kGroupsMax) {}

// ---- The writer of the index.

Copies Inbox::CopiesOf(const farm::ContentKey& key) {
  directory::LocationReader::Session session(reader_);
  const size_t count = std::min(session.Find(key, std::span(found_)), found_.size());
  return Copies(found_.begin(), found_.begin() + static_cast<ptrdiff_t>(count));
}

std::string Inbox::UriToKeep(const DirectoryChange& change) {
  if (!change.forgets_uri || !looks_at_uris_) return {};
  {
    absl::MutexLock lock(&mutex_);
    std::string_view known = pending_.FindUri(change.key);
    if (known.empty()) known = recent_.Find(change.key);
    if (!known.empty()) return std::string(known);
  }
  const auto stored = store_.FindUri(change.key);
  return stored.ok() ? stored->value_or("") : "";
}

void Inbox::OnChange(const DirectoryChange& change) {
  const std::string kept_uri = UriToKeep(change);
  absl::MutexLock lock(&mutex_);
  const auto copies_now = [&]() {
    mutex_.AssertHeld();
    return CopiesOf(change.key);
  };
  pending_.OnChange(change, kept_uri, copies_now, Now());
  if (!change.uri.empty() && looks_at_uris_) recent_.Put(change.key, change.uri);
}

bool Inbox::IsNews(const farm::ContentKey& key) const {
  const uint32_t range = federation::RangeOf(key);
  return !begun_ || wanted_.contains(key) || to_be_read_.Contains(range) ||
         pending_.HasForgotten(range) || pending_.FindFirst(key) != nullptr;
}

void Inbox::OnUri(const farm::ContentKey& key, std::string_view uri) {
  absl::MutexLock lock(&mutex_);
  if (!IsNews(key)) return;
  const Copies copies = CopiesOf(key);
  if (copies.empty()) return;  // Whoever has it later finds the URI in the store.
  pending_.OnUri(key, uri, [&copies] { return copies; });
}

void Inbox::OnHolder(directory::Holder holder) {
  absl::MutexLock lock(&mutex_);
  holders_.insert(holder);
}

uint64_t Inbox::Mark() {
  absl::MutexLock lock(&mutex_);
  return pending_.Mark();
}

void Inbox::OnStored(uint64_t mark, uint64_t batch) {
  absl::MutexLock lock(&mutex_);
  pending_.OnStored(mark, batch);
  stored_ = true;
}

// ---- Others.

// Who waits looks again when the lock is released.
void Inbox::OnSynced() { absl::MutexLock lock(&mutex_); }

void Inbox::SetPolicy(Matcher policy) {
  absl::MutexLock lock(&mutex_);
  // Changes from here on keep what the policy will ask for; those before are told by the old one.
  if (LooksAtUris(*policy)) looks_at_uris_ = true;
  policy_behind_ = pending_.Mark();
  policy_ = std::move(policy);
}

Status Inbox::Read(const federation::FeedRead& read, link::ParentLink::Found found) {
  const LinkRead wanted{.read = read, .found = found};
  absl::MutexLock lock(&mutex_);
  read_done_.reset();
  read_ = &wanted;
  const auto done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return read_done_.has_value() || (stop_ && !read_taken_);
  };
  mutex_.Await(absl::Condition(&done));
  read_ = nullptr;
  return read_done_ ? *read_done_ : Unavailable("this manager ends");
}

void Inbox::EndRead(const Status& done) {
  absl::MutexLock lock(&mutex_);
  read_taken_ = false;
  read_ = nullptr;
  read_done_ = done;
}

void Inbox::OnRangeRead(uint32_t range) {
  absl::MutexLock lock(&mutex_);
  to_be_read_.Erase(range);
}

void Inbox::Stop() {
  absl::MutexLock lock(&mutex_);
  stop_ = true;
}

bool Inbox::stopped() const { return stop_; }

size_t Inbox::waiting() const {
  absl::MutexLock lock(&mutex_);
  return pending_.contents() + taken_;
}

bool Inbox::has_policy() const {
  absl::MutexLock lock(&mutex_);
  return policy_ != nullptr;
}

// ---- The uplink's thread.

bool Inbox::IsPolicyDue() const { return policy_ != nullptr && pending_.HasTaken(policy_behind_); }

bool Inbox::HasNews() const {
  return stop_ || read_ != nullptr || !holders_.empty() || IsPolicyDue() ||
         pending_.HasDurable(store_.SyncedUpTo());
}

void Inbox::NoteTaken(const ChangeGroup& group) {
  for (const auto& [key, change] : group.contents) {
    if (change.uri.empty() && change.IsTouchedThere()) wanted_.insert(key);
  }
  federation::RangeSet left = group.forgotten;
  while (const std::optional<uint32_t> range = left.NextFrom(0)) {
    left.Erase(*range);
    to_be_read_.Insert(*range);
  }
}

Inbox::News Inbox::Await(Timestamp limit) {
  absl::MutexLock lock(&mutex_);
  taken_ = 0;
  const auto has_news = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return HasNews(); };
  mutex_.AwaitWithTimeout(absl::Condition(&has_news), absl::FromChrono(limit - Now()));
  News news;
  news.stop = stop_;
  if (IsPolicyDue()) news.policy = std::exchange(policy_, nullptr);
  news.group = pending_.Take(store_.SyncedUpTo());
  if (news.group) NoteTaken(*news.group);
  taken_ = (news.group ? news.group->contents.size() : 0) + (news.policy != nullptr ? 1 : 0);
  news.holders.assign(holders_.begin(), holders_.end());
  holders_.clear();
  news.read = read_;
  read_taken_ = read_ != nullptr;
  return news;
}

bool Inbox::AwaitStored() {
  absl::MutexLock lock(&mutex_);
  const auto stored = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stored_ || stop_; };
  mutex_.Await(absl::Condition(&stored));
  return !stop_;
}

bool Inbox::Pause(Duration time) {
  absl::MutexLock lock(&mutex_);
  const auto stopped = [this]() { return stop_.load(); };
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopped), absl::FromChrono(time));
}

void Inbox::VisitFirsts(
    const farm::ContentKey& first, const farm::ContentKey& last,
    absl::FunctionRef<void(const farm::ContentKey&, const ContentChange&)> visit) const {
  absl::MutexLock lock(&mutex_);
  pending_.VisitFirsts(first, last, visit);
}

std::string Inbox::UriOf(const farm::ContentKey& key) const {
  absl::MutexLock lock(&mutex_);
  return std::string(pending_.FindUri(key));
}

bool Inbox::has_forgotten() const {
  absl::MutexLock lock(&mutex_);
  return pending_.has_forgotten();
}

void Inbox::Want(std::span<const farm::ContentKey> keys) {
  absl::MutexLock lock(&mutex_);
  wanted_.insert(keys.begin(), keys.end());
}

void Inbox::Unwant(std::span<const farm::ContentKey> keys) {
  absl::MutexLock lock(&mutex_);
  for (const farm::ContentKey& key : keys) wanted_.erase(key);
}

void Inbox::Begun() {
  absl::MutexLock lock(&mutex_);
  begun_ = true;
}

void Inbox::OnlyPolicy(const federation::ForwardingMatcher& policy) {
  absl::MutexLock lock(&mutex_);
  if (policy_ == nullptr) looks_at_uris_ = LooksAtUris(policy);
}

}  // namespace strata::manager::uplink
