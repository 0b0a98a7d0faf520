#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "common/time.h"
#include "multicast/core/record_memory.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// The records of one stream of one incarnation, as one member has them: what is there, what is
// missing, what was delivered. The same class serves the owner (who appends) and everyone else (who
// inserts), because all of them keep records until commit and may have to send them again.
// Owned by a Peer. Knows nothing of packets, views or the application.
//
// Positions, always first_kept - 1 <= delivered <= held <= highest:
//   held       all up to here is present, or aborted
//   highest    the stream is known to reach to here
//   delivered  handed over (committed streams: committed)
class Stream {
 public:
  // Records kept at the same time, in any state: the owner's queue and what it retains.
  static constexpr uint32_t kCapacity = 65536;
  // No stream gets so far; who says so is not believed, and sums stay in range.
  static constexpr Seq kLast = Seq{1} << 62;

  enum class State : uint8_t { kMissing, kPresent, kAborted };
  struct Entry {
    RecordMemory::Block* block = nullptr;
    const uint8_t* data = nullptr;
    int64_t when = 0;  // Present: last sent. Missing: noticed, or last asked for. Nanoseconds.
    uint32_t message_bytes = 0;  // Of the message; set in its init record.
    uint32_t back = 0;  // Records between the message's init record and this one; once held.
    uint16_t length = 0;
    uint8_t flags = 0;
    State state = State::kMissing;
    uint8_t attempts = 0;     // Missing: how often anybody asked.
    bool asked_here = false;  // Missing: the first request was ours.
  };

  // ---- Filling.
  enum class Insertion : uint8_t { kNew, kDuplicate, kBeyond, kBroken };
  struct Inserted {
    Insertion result = Insertion::kNew;
    std::optional<Duration> round_trip;  // From our only request to this repair.
  };
  // kBeyond: outside of `room` records above delivered. kBroken: contradicts what is held.
  Inserted Insert(const Record& record, uint32_t room, Timestamp now);
  // The owner's: the next record.
  void Append(const Record& record);
  // Learns that the stream reaches to `seq` (cut at `room` above delivered). True if that is news.
  bool NoteExists(Seq seq, uint32_t room, Timestamp now);
  // Starts, or goes on, behind `seq`: everything up to it is as if delivered. Only forward.
  void SkipTo(Seq seq);
  // The message is void: discards its records, counts them as held.
  void MarkAborted(Seq from, Seq to);

  // ---- Looking.
  Seq first_kept() const { return first_; }
  Seq held() const { return held_; }
  Seq highest() const { return highest_; }
  Seq delivered() const { return delivered_; }
  uint32_t stored() const { return stored_; }  // Present records.
  // Null unless first_kept <= seq <= highest.
  const Entry* Find(Seq seq) const;
  Entry* Find(Seq seq);
  Record RecordAt(Seq seq) const;  // Of a present one.
  // The largest end of a message not above `seq`; seq <= held.
  Seq CutToMessage(Seq seq) const;
  // The last record of the message that starts at `init`, which is present.
  Seq LastOf(Seq init) const;
  // The init record of the message that `seq` (held) belongs to.
  Seq InitOf(Seq seq) const;

  // ---- Requests.
  struct Patience {
    Duration first;   // From notice to the first request.
    Duration repeat;  // Then, doubling,
    Duration max;     // up to this.
  };
  // Appends up to `max` ranges of missing records whose time has come, marks them as asked for now.
  // `slot` and `stream` are copied into the requests.
  void CollectMissing(const Patience& patience, Timestamp now, size_t max, Slot slot,
                      StreamId stream, std::vector<ResendRequest>& out);
  // When CollectMissing next has something; Never() if nothing is missing.
  Timestamp NextRequest(const Patience& patience) const;
  // Somebody else asked. Returns how many missing records that silences here.
  uint32_t HeardRequest(Seq from, uint16_t count, Timestamp now);
  // Makes all that is missing due at once.
  void HurryRequests();
  bool HasGap() const { return highest_ > held_; }

  // ---- Delivering and releasing.
  // Calls `sink(first, last, aborted)` for each message that ends in (delivered, to], in order, and
  // sets delivered to `to`; to <= held and a message end.
  template <class Sink>
  void Deliver(Seq to, Sink&& sink);
  // Everything that is whole in (delivered, held]: the last message end.
  Seq Deliverable() const { return CutToMessage(held_); }
  // Copies a message of several records to `out`, which has its length.
  void Gather(Seq first, Seq last, uint8_t* out) const;
  size_t MessageBytes(Seq first, Seq last) const;
  // Forgets records up to `seq`, at most delivered.
  void Release(Seq seq);

 private:
  Entry& At(Seq seq) { return ring_[seq & mask_]; }
  const Entry& At(Seq seq) const { return ring_[seq & mask_]; }
  void Reach(Seq seq, Timestamp now);  // Extends highest with missing entries.
  bool AdvanceHeld();
  void Drop(Entry& entry);

  RecordMemory memory_;
  std::vector<Entry> ring_ = std::vector<Entry>(64);
  uint64_t mask_ = 63;
  Seq first_ = 1;
  Seq held_ = 0;
  Seq highest_ = 0;
  Seq delivered_ = 0;
  uint32_t stored_ = 0;
};

template <class Sink>
void Stream::Deliver(Seq to, Sink&& sink) {
  while (delivered_ < to) {
    const Seq first = delivered_ + 1;
    Seq last = first;
    while ((At(last).flags & kNoMore) == 0 && last < to) ++last;
    const bool aborted = At(first).state == State::kAborted;
    delivered_ = last;
    sink(first, last, aborted);
  }
}

}  // namespace strata::multicast
