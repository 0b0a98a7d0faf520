#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "multicast/wire/types.h"

namespace strata::multicast {

// The numbered decisions of the SM as far as this member has them without a gap, above the floor
// that every full member has (spec, section 6). Numbers are commit numbers. Slots in the records
// are those of the view in force at their place.
class CommitLog {
 public:
  // Starts empty behind `number`.
  void StartAfter(uint64_t number) {
    records_.clear();
    first_ = number + 1;
  }
  uint64_t last() const { return first_ + records_.size() - 1; }
  uint64_t floor() const { return first_ - 1; }
  size_t size() const { return records_.size(); }
  void Append(LogRecord record) { records_.push_back(std::move(record)); }
  // floor() < number <= last()
  const LogRecord& At(uint64_t number) const { return records_[number - first_]; }
  bool Has(uint64_t number) const { return number >= first_ && number <= last(); }
  // The records with numbers above `after`, as far as they are kept.
  std::vector<LogRecord> After(uint64_t after) const {
    const uint64_t from = std::max(after + 1, first_);
    if (from > last()) return {};
    return {records_.begin() + static_cast<std::ptrdiff_t>(from - first_), records_.end()};
  }
  // Everybody has the log up to here.
  void TrimTo(uint64_t floor) {
    while (!records_.empty() && first_ <= floor) {
      records_.pop_front();
      ++first_;
    }
  }

 private:
  std::deque<LogRecord> records_;
  uint64_t first_ = 1;
};

}  // namespace strata::multicast
