#include "service_manager/federation/feed/feed_receiver.h"

#include <algorithm>
#include <cinttypes>

#include "common/check.h"
#include "common/tls/identity.h"
#include "farm/content_identity.h"
#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {
namespace {

// Ranges of digests records that are counted again from the index, of each batch: a record of all
// ranges would take too long.
constexpr size_t kCountedRangesMax = 16;

// The number of the last record; of the one before, if there is none.
uint64_t LastOf(const FeedBatchHead& head) { return head.first_sequence + head.records - 1; }

// A child speaks for itself: contents of one key have one URI, whoever holds them.
Status CheckUri(const farm::ContentKey& key, std::string_view uri) {
  if (uri.empty() || farm::KeyOf(uri) == key) return Ok();
  return InvalidArgument("the URI of content %s has another key", farm::ToString(key).c_str());
}

}  // namespace

Status FeedReceiverOptions::Check(const FeedReceiverOptions& options) {
  STRATA_RETURN_IF_ERROR(tls::CheckScope(options.child));
  if (options.window.records < kFeedBatchRecordsMax || options.window.bytes < kFeedBatchBytesMax) {
    return InvalidArgument("the window of %" PRIu64 " records and %" PRIu64
                           " bytes is smaller than a batch",
                           options.window.records, options.window.bytes);
  }
  return Ok();
}

FeedReceiver::FeedReceiver(const FeedReceiverOptions& options,
                           const directory::LocationIndex& index, directory::LocationReader& reader,
                           const KnownOfChild& known)
    : options_(options),
      index_(index),
      position_(known.position),
      digests_(known.digests),
      contents_(reader, holders_) {
  STRATA_CHECK(FeedReceiverOptions::Check(options).ok());
  for (const KnownHolder& holder : known.holders) {
    holders_[holder.holder] = IdentityOf(holder.name);
  }
}

Status FeedReceiver::Refusal(const Status& status) const {
  return MakeStatus(status.code(), "child " + options_.child + ": " + MessageOf(status));
}

StatusOr<FeedWelcome> FeedReceiver::Connected(const FeedGreeting& greeting) {
  if (greeting.epoch == 0 || greeting.lowest == 0 || greeting.next < greeting.lowest) {
    return Refusal(InvalidArgument("it greets with epoch %" PRIu64 ", records %" PRIu64
                                   " to before %" PRIu64 ", which cannot be",
                                   greeting.epoch, greeting.lowest, greeting.next));
  }
  if (greeting.epoch < position_.epoch && !STRATA_MUTANT(kDeposedHeard)) {
    return Refusal(FailedPrecondition("it greets with epoch %" PRIu64
                                      ", and a later manager of its scope has epoch %" PRIu64,
                                      greeting.epoch, position_.epoch));
  }
  connected_ = true;
  expects_anew_ = !greeting.Follows(position_);
  epoch_ = greeting.epoch;
  introduced_.clear();
  contents_.Clear();
  credit_ = options_.window;
  waiting_.clear();
  acknowledged_ = 0;
  return FeedWelcome{.position = position_, .credit = credit_};
}

StatusOr<FeedReceiver::Received> FeedReceiver::Take(ByteSpan bytes, NumberOf number_of,
                                                    Apply apply) {
  if (!connected_) return Refusal(FailedPrecondition("a batch without a stream"));
  StatusOr<FeedBatch> batch = FeedBatch::Open(bytes);
  Received received;
  const Status taken =
      batch.ok() ? TakeBatch(*batch, number_of, apply, received) : Status(batch.status());
  if (taken.ok()) return received;
  connected_ = false;
  return Refusal(taken);
}

Status FeedReceiver::TakeBatch(FeedBatch& batch, NumberOf number_of, Apply apply,
                               Received& received) {
  const FeedBatchHead& head = batch.head();
  STRATA_RETURN_IF_ERROR(CheckPlace(batch));
  STRATA_RETURN_IF_ERROR(CheckRecords(batch, number_of));
  const FeedCredit used = {.records = head.records, .bytes = batch.bytes()};
  credit_.records -= used.records;
  credit_.bytes -= used.bytes;
  if (head.anew) position_ = {.epoch = epoch_, .sequence = head.first_sequence - 1};
  expects_anew_ = false;
  batch.Rewind();
  counted_left_ = kCountedRangesMax;
  uint64_t sequence = head.first_sequence;
  while (const std::optional<FeedRecord> record = batch.Next()) {
    if (std::holds_alternative<Introduction>(*record)) continue;
    const uint64_t number = sequence++;
    if (number <= position_.sequence) {
      ++counts_.skipped;
    } else if (const auto* change = std::get_if<FeedChange>(&*record)) {
      ApplyChange(*change, head.age, apply);
    } else if (const auto* interval = std::get_if<FeedInterval>(&*record)) {
      ++counts_.intervals;
      ApplyInterval(*interval, head.age, apply);
    } else if (const auto* digests = std::get_if<FeedDigests>(&*record)) {
      received.comparisons.push_back(Compare(*digests, number));
    }
  }
  position_.sequence = std::max(position_.sequence, LastOf(head));
  waiting_.push_back({.last = position_.sequence, .credit = used});
  ++counts_.batches;
  counts_.records += head.records;
  received.position = position_;
  return Ok();
}

// ---- Looking at a batch before anything of it is applied.

Status FeedReceiver::CheckPlace(const FeedBatch& batch) const {
  const FeedBatchHead& head = batch.head();
  if (head.records > credit_.records || batch.bytes() > credit_.bytes) {
    return ResourceExhausted("a batch of %u records and %zu bytes, with credit for %" PRIu64
                             " and %" PRIu64,
                             head.records, batch.bytes(), credit_.records, credit_.bytes);
  }
  if (head.epoch != epoch_) {
    return InvalidArgument("a batch of epoch %" PRIu64 " in a stream of epoch %" PRIu64, head.epoch,
                           epoch_);
  }
  const bool same_epoch = position_.epoch == epoch_;
  if (head.anew) {
    if (!same_epoch || head.first_sequence > position_.sequence) return Ok();
    return InvalidArgument("it begins anew with record %" PRIu64 ", and %" PRIu64 " is known",
                           head.first_sequence, position_.sequence);
  }
  if (expects_anew_) return InvalidArgument("it goes on where it has to begin anew");
  if (head.first_sequence <= position_.sequence + 1) return Ok();
  return InvalidArgument("record %" PRIu64 " follows %" PRIu64 ": there is a gap",
                         head.first_sequence, position_.sequence);
}

Status FeedReceiver::CheckRecords(FeedBatch& batch, NumberOf number_of) {
  size_t place = 0;
  while (const std::optional<FeedRecord> record = batch.Next()) {
    ++place;
    Status status = Ok();
    if (const auto* change = std::get_if<FeedChange>(&*record)) {
      status = CheckChange(*change);
    } else if (const auto* interval = std::get_if<FeedInterval>(&*record)) {
      status = CheckInterval(*interval);
    } else if (const auto* introduction = std::get_if<Introduction>(&*record)) {
      status = Introduce(*introduction, number_of);
    }
    if (status.ok()) continue;
    const FeedBatchHead& head = batch.head();
    return MakeStatus(status.code(), "batch " + std::to_string(head.epoch) + "/" +
                                         std::to_string(head.first_sequence) + ": record " +
                                         std::to_string(place) + ": " + MessageOf(status));
  }
  return Ok();
}

Status FeedReceiver::Introduce(const Introduction& introduction, NumberOf number_of) {
  const HolderName& name = introduction.name;
  if (!options_.is_leader && !tls::ScopeCovers(options_.child, name.scope)) {
    return PermissionDenied("%s is outside of its scope", ToString(name).c_str());
  }
  const auto found = introduced_.find(introduction.holder);
  if (found != introduced_.end() && found->second.name != name) {
    return InvalidArgument("number %u is %s, and not %s", introduction.holder.value(),
                           ToString(found->second.name).c_str(), ToString(name).c_str());
  }
  if (found == introduced_.end() && introduced_.size() >= kFeedHoldersMax) {
    return ResourceExhausted("more than %zu holders", kFeedHoldersMax);
  }
  STRATA_ASSIGN_OR_RETURN(const directory::Holder holder, number_of(introduction));
  const HolderIdentity identity = IdentityOf(name);
  introduced_[introduction.holder] = {.name = name, .holder = holder, .identity = identity};
  holders_[holder] = identity;
  return Ok();
}

StatusOr<HolderIdentity> FeedReceiver::IdentityOfNumber(directory::Holder number) const {
  const auto found = introduced_.find(number);
  if (found != introduced_.end()) return found->second.identity;
  return InvalidArgument("holder %u was not introduced", number.value());
}

Status FeedReceiver::CheckChange(const FeedChange& change) const {
  STRATA_RETURN_IF_ERROR(IdentityOfNumber(change.holder));
  return CheckUri(change.key, change.uri);
}

Status FeedReceiver::CheckInterval(FeedInterval interval) const {
  std::optional<farm::ContentKey> key;
  HolderIdentity before;
  while (const std::optional<FeedItem> item = interval.items.Next()) {
    STRATA_ASSIGN_OR_RETURN(const HolderIdentity identity, IdentityOfNumber(item->holder));
    if (key == item->key && identity <= before) {
      return InvalidArgument("holders of content %s are not in order",
                             farm::ToString(item->key).c_str());
    }
    key = item->key;
    before = identity;
    STRATA_RETURN_IF_ERROR(CheckUri(item->key, item->uri));
  }
  return Ok();
}

// ---- Applying it.

void FeedReceiver::ApplyCopy(ToldCopy told, Duration age, Apply apply) {
  FeedCopy copy = *told.copy;
  if (copy.remaining) copy.remaining = std::max(Duration::zero(), *copy.remaining - age);
  told.copy = &copy;
  told.before = index_.FlagsOf(told.key, told.holder);
  ++counts_.copies;
  if (!apply(told)) {
    ++counts_.not_taken;
    return;
  }
  const HolderIdentity identity = holders_.find(told.holder)->second;
  if (told.before && !STRATA_MUTANT(kOldFlagsCounted)) {
    digests_.Remove(told.key, identity, *told.before);
  }
  digests_.Add(told.key, identity, copy.flags);
}

void FeedReceiver::ApplyGone(const farm::ContentKey& key, directory::Holder holder, Apply apply) {
  const std::optional<directory::LocationFlags> before = index_.FlagsOf(key, holder);
  ++counts_.gone;
  apply({.key = key, .holder = holder, .before = before});
  if (before) digests_.Remove(key, holders_.find(holder)->second, *before);
}

void FeedReceiver::ApplyChange(const FeedChange& change, Duration age, Apply apply) {
  const directory::Holder holder = introduced_.find(change.holder)->second.holder;
  if (change.copy) {
    contents_.OnCopy({change.key, holder});
    ApplyCopy({.key = change.key, .holder = holder, .copy = &*change.copy, .uri = change.uri}, age,
              apply);
  } else {
    ApplyGone(change.key, holder, apply);
  }
}

void FeedReceiver::ApplyInterval(FeedInterval interval, Duration age, Apply apply) {
  if (!contents_.Has(interval.first)) contents_.Read(RangeOf(interval.first), digests_);
  const std::vector<ChildCopy> copies = contents_.Take(interval.first, interval.last);
  std::span<const ChildCopy> held = copies;
  std::vector<directory::Holder> told;  // Of the content at hand.
  std::optional<FeedItem> item = interval.items.Next();
  while (item || !held.empty()) {
    const farm::ContentKey key =
        !item || (!held.empty() && held.front().key < item->key) ? held.front().key : item->key;
    told.clear();
    for (; item && item->key == key; item = interval.items.Next()) {
      told.push_back(introduced_.find(item->holder)->second.holder);
      ApplyCopy(
          {.key = key, .holder = told.back(), .copy = &item->copy, .uri = item->uri, .anew = true},
          age, apply);
    }
    std::sort(told.begin(), told.end());
    for (; !held.empty() && held.front().key == key; held = held.subspan(1)) {
      const directory::Holder holder = held.front().holder;
      if (std::binary_search(told.begin(), told.end(), holder)) continue;
      if (STRATA_MUTANT(kIntervalTakesNothing)) continue;
      if (index_.FlagsOf(key, holder)) ApplyGone(key, holder, apply);
    }
  }
}

FeedComparison FeedReceiver::Compare(const FeedDigests& digests, uint64_t sequence) {
  FeedComparison comparison{.sequence = sequence, .differing = {}};
  const bool counts = digests.count() <= counted_left_;
  if (counts) counted_left_ -= digests.count();
  for (size_t i = 0; i < digests.count(); ++i) {
    const uint32_t range = digests.first + static_cast<uint32_t>(i);
    if (STRATA_MUTANT(kLastDigestSkipped) && i + 1 == digests.count()) break;
    if (counts) contents_.Read(range, digests_);
    if (digests_.digest(range) != digests.digest(i)) comparison.differing.push_back(range);
  }
  counts_.compared += digests.count();
  counts_.differing += comparison.differing.size();
  return comparison;
}

// ---- What is durable.

std::optional<FeedAcknowledgement> FeedReceiver::OnDurable(const FeedPosition& position) {
  if (!connected_ || position.epoch != epoch_) return std::nullopt;
  FeedAcknowledgement acknowledgement{.sequence = std::min(position.sequence, position_.sequence),
                                      .credit = {}};
  if (STRATA_MUTANT(kAckBeforeDurable)) acknowledgement.sequence = position_.sequence;
  for (; !waiting_.empty() && waiting_.front().last <= acknowledgement.sequence;
       waiting_.pop_front()) {
    acknowledgement.credit.records += waiting_.front().credit.records;
    acknowledgement.credit.bytes += waiting_.front().credit.bytes;
  }
  const bool news = acknowledgement.sequence > acknowledged_ || acknowledgement.credit.bytes > 0;
  acknowledged_ = std::max(acknowledged_, acknowledgement.sequence);
  credit_.records += acknowledgement.credit.records;
  credit_.bytes += acknowledgement.credit.bytes;
  return news ? std::optional(acknowledgement) : std::nullopt;
}

void FeedReceiver::Forget() {
  connected_ = false;
  position_ = {};
  if (!STRATA_MUTANT(kForgottenCounted)) digests_ = {};
  holders_.clear();
  contents_.Clear();
}

}  // namespace strata::manager::federation
