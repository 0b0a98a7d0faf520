#include "service_manager/federation/feed/kept_records.h"

#include <algorithm>
#include <span>

#include "common/check.h"

namespace strata::manager::federation {
namespace {

constexpr size_t kChunkBytes = size_t{128} << 10;

}  // namespace

bool KeptRecords::HasRoom(size_t records, size_t bytes) const {
  return size() + records <= records_max_ &&
         this->bytes() + bytes + records * sizeof(Entry) <= bytes_max_;
}

void KeptRecords::Append(size_t bytes_max, Timestamp now,
                         absl::FunctionRef<void(ByteWriter&)> write) {
  if (chunks_.empty() || chunks_.back().size - chunks_.back().used < bytes_max) {
    const size_t size = std::max(kChunkBytes, bytes_max);
    // Not filled with zeros: it is written before it is read.
    chunks_.push_back({.bytes = std::unique_ptr<uint8_t[]>(new uint8_t[size]), .size = size});
  }
  Chunk& chunk = chunks_.back();
  uint8_t* const begin = chunk.bytes.get() + chunk.used;
  ByteWriter writer(std::span(begin, bytes_max));
  write(writer);
  STRATA_CHECK(writer.ok());
  chunk.used += writer.size();
  chunk.last = next();
  bytes_ += writer.size();
  entries_.push_back({.bytes = begin, .size = static_cast<uint32_t>(writer.size()), .at = now});
}

void KeptRecords::ForgetUpTo(uint64_t sequence) {
  while (!entries_.empty() && first_ <= sequence) {
    bytes_ -= entries_.front().size;
    entries_.pop_front();
    ++first_;
  }
  while (!chunks_.empty() && chunks_.front().last < first_) chunks_.pop_front();
}

}  // namespace strata::manager::federation
