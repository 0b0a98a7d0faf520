#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "common/time.h"

namespace strata::manager::federation {

// The encoded records of a feed that wait to be sent and acknowledged, numbered one after the other
// from 1; the oldest go first. Allocates for many records at a time.
class KeptRecords {
 public:
  KeptRecords(size_t records_max, size_t bytes_max)
      : records_max_(records_max), bytes_max_(bytes_max) {}

  // Whether `records` more, of so many bytes together, may be appended.
  bool HasRoom(size_t records, size_t bytes) const;
  // Appends what `write` writes, at most `bytes_max` bytes. The caller has asked for room.
  void Append(size_t bytes_max, Timestamp now, absl::FunctionRef<void(ByteWriter&)> write);

  // Forgets all up to that number; Clear forgets all.
  void ForgetUpTo(uint64_t sequence);
  void Clear() { ForgetUpTo(next() - 1); }

  // [first, next) are there.
  uint64_t first() const { return first_; }
  uint64_t next() const { return first_ + entries_.size(); }
  ByteSpan record(uint64_t sequence) const {
    const Entry& entry = entries_[sequence - first_];
    return {entry.bytes, entry.size};
  }
  Timestamp appended_at(uint64_t sequence) const { return entries_[sequence - first_].at; }

  size_t size() const { return entries_.size(); }
  // What counts towards the limit: with what it takes to find them.
  size_t bytes() const { return bytes_ + entries_.size() * sizeof(Entry); }

 private:
  struct Entry {
    const uint8_t* bytes = nullptr;
    uint32_t size = 0;
    Timestamp at;
  };
  struct Chunk {
    std::unique_ptr<uint8_t[]> bytes;
    size_t size = 0;
    size_t used = 0;
    uint64_t last = 0;  // The number of the last record in it.
  };

  const size_t records_max_;
  const size_t bytes_max_;
  uint64_t first_ = 1;
  size_t bytes_ = 0;
  std::deque<Entry> entries_;
  std::deque<Chunk> chunks_;
};

}  // namespace strata::manager::federation
