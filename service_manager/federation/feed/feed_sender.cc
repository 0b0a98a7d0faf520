#include "service_manager/federation/feed/feed_sender.h"

#include <algorithm>
#include <cinttypes>
#include <vector>

#include "common/check.h"
#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {
namespace {

Status CheckSize(const char* option, size_t value, size_t min, size_t max) {
  if (value >= min && value <= max) return Ok();
  return InvalidArgument("%s is %zu, not from %zu to %zu", option, value, min, max);
}

// How many of the items, contents whole, go into one interval.
struct Cut {
  size_t items = 0;
  size_t bytes_max = kFeedIntervalHeadBytes;
};
Cut FirstCut(std::span<const FeedItem> items) {
  Cut cut;
  Cut next;  // With the items of a content of which not all were looked at.
  for (; next.items < items.size(); ++next.items) {
    const FeedItem& item = items[next.items];
    if (next.items > 0 && items[next.items - 1].key != item.key) cut = next;
    next.bytes_max += EncodedBytesMax(item);
    const bool full = next.items == kFeedItemsMax || next.bytes_max > kFeedRecordBytesMax;
    if (full && cut.items > 0) return cut;
  }
  return next;
}

void AddSaturated(uint64_t& sum, uint64_t more) {
  sum = more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

}  // namespace

Status FeedSenderOptions::Check(const FeedSenderOptions& options) {
  if (options.epoch == 0) return InvalidArgument("epoch is 0");
  STRATA_RETURN_IF_ERROR(
      CheckSize("kept_records_max", options.kept_records_max, 1, size_t{1} << 30));
  STRATA_RETURN_IF_ERROR(CheckSize("kept_bytes_max", options.kept_bytes_max,
                                   2 * kFeedRecordBytesMax, size_t{1} << 40));
  STRATA_RETURN_IF_ERROR(
      CheckSize("batch_records", options.batch_records, 1, kFeedBatchRecordsMax));
  STRATA_RETURN_IF_ERROR(CheckSize("batch_bytes", options.batch_bytes, 1, kFeedBatchBytesMax));
  STRATA_RETURN_IF_ERROR(CheckSize("read_items", options.read_items, 1, kFeedItemsMax));
  if (options.batch_delay < Duration::zero()) return InvalidArgument("batch_delay is negative");
  if (options.check_cycle < Duration::zero()) return InvalidArgument("check_cycle is negative");
  return Ok();
}

FeedSender::FeedSender(const FeedSenderOptions& options, const RangeDigests& told)
    : options_(options), told_(told), kept_(options.kept_records_max, options.kept_bytes_max) {
  STRATA_CHECK(FeedSenderOptions::Check(options).ok());
}

// ---- What there is to tell.

Status FeedSender::SetHolder(const Introduction& introduction) {
  return holders_.Set(introduction, kept_.next());
}

void FeedSender::ForgetHolder(directory::Holder holder) {
  // A read that is under way may have seen a copy of it.
  if (reading_) reading_->AskAgain();
  holders_.Forget(holder, kept_.next());
}

void FeedSender::Append(size_t bytes_max, Timestamp now,
                        absl::FunctionRef<void(ByteWriter&)> write) {
  kept_.Append(bytes_max, now, write);
  unsent_bytes_ += kept_.record(kept_.next() - 1).size();
}

void FeedSender::Tell(const FeedChange& change, std::optional<directory::LocationFlags> before,
                      Timestamp now) {
  const uint32_t range = RangeOf(change.key);
  const bool to_be_read = reading_ && reading_->range() == range && !reading_->IsBehind(change.key);
  if (to_be_read && !STRATA_MUTANT(kNotLaidOver)) reading_->Note(change);
  const bool lost =
      STRATA_MUTANT(kBehindCursorLost) && reading_ && reading_->range() == range && !to_be_read;
  if (dirty_.Contains(range) || ((to_be_read || lost) && IsTelling())) {
    ++counts_.suppressed;
    return;
  }
  const size_t bytes = EncodedBytes(change);
  if (!kept_.HasRoom(1, bytes)) {
    ++counts_.overflows;
    if (!STRATA_MUTANT(kOverflowForgotten)) MarkDirty(range);
    return;
  }
  Append(bytes, now, [&](ByteWriter& writer) { Encode(change, writer); });
  ++counts_.told;
  Account(change, before);
}

void FeedSender::Account(const FeedChange& change, std::optional<directory::LocationFlags> before) {
  const HolderIdentity identity = holders_.identity(change.holder);
  const uint64_t digest_before = told_.digest(RangeOf(change.key));
  if (before) told_.Remove(change.key, identity, *before);
  if (change.copy) told_.Add(change.key, identity, change.copy->flags);
  if (reading_ && reading_->range() == RangeOf(change.key) && reading_->IsBehind(change.key)) {
    reading_->digest += told_.digest(RangeOf(change.key)) - digest_before;
  }
}

void FeedSender::MarkDirty(uint32_t range) {
  if (reading_ && reading_->range() == range) reading_.reset();
  if (dirty_.Insert(range)) ++counts_.dirtied;
}

void FeedSender::Refresh(uint32_t range) {
  STRATA_CHECK(range < directory::kRanges);
  MarkDirty(range);
}

// False: no room.
bool FeedSender::QueueDigests(uint32_t first, uint32_t count, Timestamp now) {
  const size_t bytes = kFeedDigestsHeadBytes + count * sizeof(uint64_t);
  if (!kept_.HasRoom(1, bytes)) return false;
  std::vector<uint64_t> digests(count);
  for (uint32_t i = 0; i < count; ++i) digests[i] = told_.digest(first + i);
  checks_.push_back({.sequence = kept_.next(), .first = first, .count = count});
  Append(bytes, now, [&](ByteWriter& writer) { EncodeDigests(first, digests, writer); });
  counts_.checks += count;
  return true;
}

// ---- Reading what is to be told anew.

// What is read late is told once: so not while much waits to be sent.
bool FeedSender::HasRoomToRead() const {
  return kept_.HasRoom(1, kFeedRecordBytesMax) && unsent_bytes_ < 2 * options_.batch_bytes &&
         kept_.next() - 1 - sent_ < 2 * options_.batch_records;
}

std::optional<FeedRead> FeedSender::NextRead(Timestamp now) {
  if (!connected_ || !HasRoomToRead()) return std::nullopt;
  if (!reading_) BeginReading(now);
  if (!reading_) return std::nullopt;
  const FeedRead read = reading_->Ask(reads_ + 1, options_.read_items);
  reads_ = read.number;
  return read;
}

void FeedSender::BeginReading(Timestamp now) {
  if (const std::optional<uint32_t> range = dirty_.NextFrom(next_dirty_)) {
    dirty_.Erase(*range);
    next_dirty_ = (*range + 1) % directory::kRanges;
    told_.Set(*range, 0);
    told_anew_from_[*range] = kept_.next();
    reading_.emplace(*range, RangeReading::Purpose::kTell);
  } else if (now >= next_check_) {
    next_check_ = now + CheckInterval();
    reading_.emplace(next_checked_, RangeReading::Purpose::kCheck);
    next_checked_ = (next_checked_ + 1) % directory::kRanges;
  }
}

void FeedSender::TakeRead(const FeedRead& read, const FeedReadItems& found, Timestamp now) {
  if (!reading_) return;
  std::optional<RangeReading::Step> step = reading_->Take(
      read, found, [this](directory::Holder holder) { return holders_.identity(holder); });
  if (!step) return;
  if (IsTelling() && !TellStep(*step, now)) {
    reading_->AskAgain();
    return;
  }
  for (const FeedItem& item : step->items) {
    reading_->digest += FeedDigestOf(item.key, holders_.identity(item.holder), item.copy.flags);
  }
  if (reading_->Advance(*step)) FinishReading(now);
}

// Tells as much of the step as there is room for, and cuts the step there. False: nothing.
bool FeedSender::TellStep(RangeReading::Step& step, Timestamp now) {
  farm::ContentKey first = step.first;
  for (size_t told = 0;;) {
    const std::span<const FeedItem> left = std::span(step.items).subspan(told);
    const Cut cut = FirstCut(left);
    if (!kept_.HasRoom(1, cut.bytes_max)) {
      if (told == 0) return false;
      step.last = step.items[told - 1].key;
      step.items.resize(told);
      return true;
    }
    const bool all = cut.items == left.size();
    const farm::ContentKey last = all ? step.last : left[cut.items - 1].key;
    Append(cut.bytes_max, now,
           [&](ByteWriter& writer) { EncodeInterval(first, last, left.first(cut.items), writer); });
    for (const FeedItem& item : left.first(cut.items)) {
      told_.Add(item.key, holders_.identity(item.holder), item.copy.flags);
    }
    ++counts_.intervals;
    counts_.interval_items += cut.items;
    if (all) return true;
    told += cut.items;
    first = KeyAfter(last);
  }
}

void FeedSender::FinishReading(Timestamp now) {
  const RangeReading done = *std::exchange(reading_, std::nullopt);
  if (done.purpose() == RangeReading::Purpose::kTell) {
    ++counts_.refreshed;
  } else if (done.digest != told_.digest(done.range())) {
    MarkDirty(done.range());  // What was told is not what is there.
  } else {
    QueueDigests(done.range(), 1, now);  // Without room: the next time.
  }
}

// ---- The link.

FeedGreeting FeedSender::greeting() const {
  return {.epoch = options_.epoch, .lowest = kept_.first(), .next = kept_.next()};
}

Status FeedSender::Connected(const FeedWelcome& welcome, Timestamp now) {
  const FeedPosition& position = welcome.position;
  if (position.epoch > options_.epoch && !STRATA_MUTANT(kDeposedHeard)) {
    return FailedPrecondition("the parent has heard of epoch %" PRIu64
                              ", and this manager's is %" PRIu64 ": it was deposed",
                              position.epoch, options_.epoch);
  }
  if (position.epoch == options_.epoch && position.sequence >= kept_.next()) {
    return FailedPrecondition("the parent has record %" PRIu64 " of epoch %" PRIu64
                              ", and this manager has told %" PRIu64
                              ": somebody else speaks in its name",
                              position.sequence, position.epoch, kept_.next() - 1);
  }
  connected_ = true;
  stalled_ = false;
  credit_ = welcome.credit;
  next_check_ =
      options_.check_cycle == Duration::zero() ? Timestamp::Never() : now + CheckInterval();
  const uint64_t epoch = STRATA_MUTANT(kEpochNotCompared) ? options_.epoch : position.epoch;
  if (greeting().Follows({.epoch = epoch, .sequence = position.sequence}) &&
      RepeatUnanswered(position.sequence, now)) {
    anew_ = false;
    sent_ = position.sequence;
    if (STRATA_MUTANT(kResumeOneLate) && sent_ + 1 < kept_.next()) ++sent_;
    holders_.OnStream(position.sequence);
    ++counts_.resumed;
  } else {
    BeginAnew(now);
  }
  unsent_bytes_ = 0;
  for (uint64_t i = sent_ + 1; i < kept_.next(); ++i) unsent_bytes_ += kept_.record(i).size();
  return Ok();
}

// The parent has applied these digests records, and its answers were lost with the stream. False:
// no room to ask again.
bool FeedSender::RepeatUnanswered(uint64_t position, Timestamp now) {
  const size_t checks = checks_.size();
  for (size_t i = 0; i < checks && checks_[i].sequence <= position; ++i) {
    if (checks_[i].answered) continue;
    if (STRATA_MUTANT(kAnswerTakenAsHeard)) checks_[i].answered = true;
    if (checks_[i].answered) continue;
    if (!QueueDigests(checks_[i].first, checks_[i].count, now)) return false;
    checks_[i].answered = true;
  }
  return true;
}

void FeedSender::BeginAnew(Timestamp now) {
  kept_.Clear();
  checks_.clear();
  if (IsTelling()) MarkDirty(reading_->range());
  reading_.reset();
  anew_ = true;
  sent_ = kept_.next() - 1;
  holders_.OnForgotten(sent_);
  holders_.OnStream(std::nullopt);
  STRATA_CHECK(QueueDigests(0, directory::kRanges, now));
  ++counts_.begun_anew;
}

void FeedSender::Disconnected() {
  connected_ = false;
  credit_ = {};
}

Timestamp FeedSender::BatchDueAt(Timestamp now) const {
  const uint64_t unsent = kept_.next() - 1 - sent_;
  if (anew_ || holders_.HasDue() || unsent >= options_.batch_records ||
      unsent_bytes_ >= options_.batch_bytes) {
    return now;
  }
  return unsent == 0 ? Timestamp::Never() : kept_.appended_at(sent_ + 1) + options_.batch_delay;
}

bool FeedSender::NextBatch(Timestamp now, Bytes& out) {
  if (!connected_ || !IsBatchDue(now)) return false;
  Packing packing{.out = out,
                  .start = out.size(),
                  .bytes_max = std::min<uint64_t>(kFeedBatchBytesMax, credit_.bytes)};
  if (packing.Fits(kFeedBatchHeadBytes)) out.resize(out.size() + kFeedBatchHeadBytes);
  FeedBatchHead head{.epoch = options_.epoch, .first_sequence = sent_ + 1, .anew = anew_};
  if (sent_ + 1 < kept_.next()) {
    head.age = std::max(Duration::zero(), now - kept_.appended_at(sent_ + 1));
  }
  if (packing.size() > 0 && PackDueHolders(packing)) head.records = PackRecords(packing);
  if (packing.size() <= kFeedBatchHeadBytes) {
    out.resize(packing.start);
    stalled_ = sent_ + 1 < kept_.next() || holders_.HasDue();
    return false;
  }
  ByteWriter writer{std::span(out).subspan(packing.start, kFeedBatchHeadBytes)};
  Encode(head, writer);
  credit_.bytes -= packing.size();
  credit_.records -= head.records;
  anew_ = false;
  return true;
}

// False: no room in this batch. So for the other three, where all had to find room.
bool FeedSender::PackHolder(directory::Holder holder, Packing& packing) {
  const Introduction* const introduction = holders_.ToIntroduce(holder);
  if (introduction == nullptr) return true;
  const size_t bytes = EncodedBytes(*introduction);
  if (packing.introductions == kFeedBatchIntroductionsMax || !packing.Fits(bytes)) return false;
  const size_t before = packing.out.size();
  packing.out.resize(before + bytes);
  ByteWriter writer{std::span(packing.out).subspan(before)};
  Encode(*introduction, writer);
  packing.out.resize(before + writer.size());
  ++packing.introductions;
  holders_.OnIntroduced(holder);
  return true;
}

bool FeedSender::PackDueHolders(Packing& packing) {
  while (const std::optional<directory::Holder> holder = holders_.NextDue()) {
    if (!PackHolder(*holder, packing)) return false;
  }
  return true;
}

bool FeedSender::PackHoldersOf(ByteSpan record, Packing& packing) {
  ByteReader reader(record);
  FeedRecord decoded = DecodeRecord(reader);
  if (const auto* change = std::get_if<FeedChange>(&decoded)) {
    return PackHolder(change->holder, packing);
  }
  if (auto* interval = std::get_if<FeedInterval>(&decoded)) {
    while (const std::optional<FeedItem> item = interval->items.Next()) {
      if (!PackHolder(item->holder, packing)) return false;
    }
  }
  return true;
}

uint16_t FeedSender::PackRecords(Packing& packing) {
  uint16_t records = 0;
  const uint64_t records_max = std::min<uint64_t>(options_.batch_records, credit_.records);
  while (records < records_max && sent_ + 1 < kept_.next() &&
         packing.size() < options_.batch_bytes) {
    const ByteSpan record = kept_.record(sent_ + 1);
    if (!PackHoldersOf(record, packing) || !packing.Fits(record.size())) break;
    packing.out.insert(packing.out.end(), record.begin(), record.end());
    unsent_bytes_ -= record.size();
    ++sent_;
    ++records;
  }
  return records;
}

Status FeedSender::OnAcknowledgement(const FeedAcknowledgement& acknowledgement) {
  const uint64_t sequence = acknowledgement.sequence;
  if (sequence > sent_) {
    return InvalidArgument("the parent acknowledged record %" PRIu64 ", and was sent %" PRIu64,
                           sequence, sent_);
  }
  for (; !checks_.empty() && checks_.front().sequence <= sequence; checks_.pop_front()) {
    if (checks_.front().answered) continue;
    return InvalidArgument("the parent acknowledged record %" PRIu64
                           ", digests that it did not answer",
                           checks_.front().sequence);
  }
  kept_.ForgetUpTo(sequence);
  holders_.OnForgotten(kept_.first() - 1);
  AddSaturated(credit_.records, acknowledgement.credit.records);
  AddSaturated(credit_.bytes, acknowledgement.credit.bytes);
  stalled_ = false;
  return Ok();
}

Status FeedSender::OnComparison(const FeedComparison& comparison) {
  const auto check = std::find_if(checks_.begin(), checks_.end(), [&](const Check& candidate) {
    return candidate.sequence == comparison.sequence;
  });
  if (check == checks_.end() || comparison.sequence > sent_) {
    return InvalidArgument("the parent compared record %" PRIu64 ", which is no digests",
                           comparison.sequence);
  }
  for (const uint32_t range : comparison.differing) {
    if (range < check->first || range - check->first >= check->count) {
      return InvalidArgument("the parent compared range %u, which record %" PRIu64 " has not",
                             range, comparison.sequence);
    }
  }
  check->answered = true;
  for (const uint32_t range : comparison.differing) {
    if (told_anew_from_[range] > comparison.sequence) continue;
    ++counts_.differing;
    MarkDirty(range);
  }
  return Ok();
}

Timestamp FeedSender::next_wakeup(Timestamp now) const {
  if (!connected_) return Timestamp::Never();
  Timestamp wakeup = stalled_ ? Timestamp::Never() : BatchDueAt(now);
  if (dirty_.empty() && !reading_ && HasRoomToRead()) wakeup = std::min(wakeup, next_check_);
  return wakeup;
}

}  // namespace strata::manager::federation
