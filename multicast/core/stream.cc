#include "multicast/core/stream.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace strata::multicast {
namespace {

constexpr uint8_t kMaxDoublings = 7;

// When a missing record is to be asked for (again).
Timestamp Due(const Stream::Entry& entry, const Stream::Patience& patience) {
  const Timestamp when = Timestamp::FromNanos(entry.when);
  if (entry.attempts == 0) return when + patience.first;
  const int doublings = std::min<int>(entry.attempts - 1, kMaxDoublings);
  return when + std::min<Duration>(patience.repeat * (1 << doublings), patience.max);
}

}  // namespace

const Stream::Entry* Stream::Find(Seq seq) const {
  return seq < first_ || seq > highest_ ? nullptr : &At(seq);
}

Stream::Entry* Stream::Find(Seq seq) { return seq < first_ || seq > highest_ ? nullptr : &At(seq); }

Record Stream::RecordAt(Seq seq) const {
  const Entry& entry = At(seq);
  STRATA_CHECK(entry.state == State::kPresent);
  Record record;
  record.flags = entry.flags;
  record.seq = seq;
  record.message_bytes = entry.message_bytes;
  record.payload = {entry.data, entry.length};
  return record;
}

void Stream::Reach(Seq seq, Timestamp now) {
  STRATA_CHECK(seq - first_ < kCapacity);
  if (seq - first_ >= ring_.size()) {
    size_t size = ring_.size();
    while (seq - first_ >= size) size *= 2;
    std::vector<Entry> bigger(size);
    for (Seq s = first_; s <= highest_; ++s) bigger[s & (size - 1)] = At(s);
    ring_ = std::move(bigger);
    mask_ = size - 1;
  }
  while (highest_ < seq) {
    Entry& entry = At(++highest_);
    entry = Entry();
    entry.when = now.nanos();
  }
}

Stream::Inserted Stream::Insert(const Record& record, uint32_t room, Timestamp now) {
  if (record.seq <= held_) return {Insertion::kDuplicate, std::nullopt};
  if (record.seq - delivered_ > room || record.seq - first_ >= kCapacity) {
    return {Insertion::kBeyond, std::nullopt};
  }
  if (record.seq > highest_) Reach(record.seq, now);
  Entry& entry = At(record.seq);
  if (entry.state != State::kMissing) return {Insertion::kDuplicate, std::nullopt};
  Inserted inserted;
  if (entry.attempts == 1 && entry.asked_here) {
    inserted.round_trip = now - Timestamp::FromNanos(entry.when);
  }
  const RecordMemory::Place place = memory_.Store(record.payload);
  entry.block = place.block;
  entry.data = place.data;
  entry.when = now.nanos();
  entry.message_bytes = record.message_bytes;
  entry.length = static_cast<uint16_t>(record.payload.size());
  entry.flags = record.flags;
  entry.state = State::kPresent;
  ++stored_;
  if (record.seq == held_ + 1 && !AdvanceHeld()) inserted.result = Insertion::kBroken;
  return inserted;
}

void Stream::Append(const Record& record) {
  STRATA_CHECK(record.seq == highest_ + 1 && held_ == highest_);
  const Inserted inserted = Insert(record, kCapacity, Timestamp());
  STRATA_CHECK(inserted.result == Insertion::kNew);
  At(record.seq).when = 0;
}

// False if the next record contradicts the one before it: it is then forgotten again.
bool Stream::AdvanceHeld() {
  while (held_ < highest_) {
    Entry& next = At(held_ + 1);
    if (next.state == State::kMissing) break;
    if (next.state == State::kPresent) {
      const bool starts = (next.flags & kInit) != 0;
      const bool open = held_ >= first_ && (At(held_).flags & kNoMore) == 0;
      if (starts == open) {
        Drop(next);
        next = Entry();
        return false;
      }
      next.back = starts ? 0 : At(held_).back + 1;
    }
    ++held_;
  }
  return true;
}

void Stream::Drop(Entry& entry) {
  if (entry.block != nullptr) {
    memory_.Release(entry.block);
    --stored_;
  }
  entry.block = nullptr;
  entry.data = nullptr;
  entry.length = 0;
  entry.message_bytes = 0;
}

bool Stream::NoteExists(Seq seq, uint32_t room, Timestamp now) {
  seq = std::min(seq, delivered_ + room);
  if (seq <= highest_ || seq - first_ >= kCapacity) return false;
  Reach(seq, now);
  return true;
}

void Stream::SkipTo(Seq seq) {
  if (seq <= delivered_ || seq > kLast) return;
  while (first_ <= std::min(seq, highest_)) Drop(At(first_++));
  first_ = seq + 1;
  delivered_ = seq;
  held_ = std::max(held_, seq);
  highest_ = std::max(highest_, seq);
  AdvanceHeld();
}

void Stream::MarkAborted(Seq from, Seq to) {
  from = std::max(from, delivered_ + 1);
  if (to < from || to - first_ >= kCapacity) return;
  if (to > highest_) Reach(to, Timestamp());
  for (Seq seq = from; seq <= to; ++seq) {
    Entry& entry = At(seq);
    Drop(entry);
    entry.state = State::kAborted;
    entry.flags = static_cast<uint8_t>((seq == from ? kInit : 0) | (seq == to ? kNoMore : 0));
    entry.back = static_cast<uint32_t>(seq - from);
  }
  AdvanceHeld();
}

Seq Stream::CutToMessage(Seq seq) const {
  STRATA_CHECK(seq <= held_);
  if (seq <= delivered_) return seq;
  const Entry& entry = At(seq);
  if (entry.flags & kNoMore) return seq;
  return seq - entry.back - 1;
}

Seq Stream::LastOf(Seq init) const {
  const Entry& entry = At(init);
  if (entry.flags & kNoMore) return init;
  if (entry.length == 0) return init;
  return init + (entry.message_bytes + entry.length - 1) / entry.length - 1;
}

Seq Stream::InitOf(Seq seq) const { return seq - At(seq).back; }

void Stream::CollectMissing(const Patience& patience, Timestamp now, size_t max, Slot slot,
                            StreamId stream, std::vector<ResendRequest>& out) {
  size_t added = 0;
  for (Seq seq = held_ + 1; seq <= highest_; ++seq) {
    Entry& entry = At(seq);
    if (entry.state != State::kMissing || Due(entry, patience) > now) continue;
    const bool extends =
        added > 0 && out.back().from + out.back().count == seq && out.back().count < UINT16_MAX;
    if (!extends) {
      if (added == max) return;
      out.push_back({slot, stream, 0, seq});
      ++added;
    }
    ++out.back().count;
    if (entry.attempts == 0) entry.asked_here = true;
    if (entry.attempts < UINT8_MAX) ++entry.attempts;
    entry.when = now.nanos();
  }
}

Timestamp Stream::NextRequest(const Patience& patience) const {
  Timestamp next = Timestamp::Never();
  for (Seq seq = held_ + 1; seq <= highest_; ++seq) {
    const Entry& entry = At(seq);
    if (entry.state == State::kMissing) next = std::min(next, Due(entry, patience));
  }
  return next;
}

uint32_t Stream::HeardRequest(Seq from, uint16_t count, Timestamp now) {
  uint32_t silenced = 0;
  const Seq end = std::min<Seq>(from + count, highest_ + 1);
  for (Seq seq = std::max(from, held_ + 1); seq < end; ++seq) {
    Entry& entry = At(seq);
    if (entry.state != State::kMissing) continue;
    if (entry.attempts == 0) {
      entry.attempts = 1;
      ++silenced;
    }
    entry.asked_here = false;
    entry.when = now.nanos();
  }
  return silenced;
}

void Stream::HurryRequests() {
  for (Seq seq = held_ + 1; seq <= highest_; ++seq) {
    Entry& entry = At(seq);
    if (entry.state == State::kMissing && entry.attempts == 0) entry.when = INT64_MIN / 2;
  }
}

size_t Stream::MessageBytes(Seq first, Seq last) const {
  return first == last ? At(first).length : At(first).message_bytes;
}

void Stream::Gather(Seq first, Seq last, uint8_t* out) const {
  size_t left = MessageBytes(first, last);
  for (Seq seq = first; seq <= last; ++seq) {
    const Entry& entry = At(seq);
    const size_t take = std::min<size_t>(entry.length, left);
    if (take > 0) std::memcpy(out, entry.data, take);
    out += take;
    left -= take;
  }
  // A sender that declared more than it sent: the rest reads as zeros, the same at every member.
  std::memset(out, 0, left);
}

void Stream::Release(Seq seq) {
  seq = std::min(seq, delivered_);
  while (first_ <= seq) {
    Drop(At(first_));
    ++first_;
  }
}

}  // namespace strata::multicast
