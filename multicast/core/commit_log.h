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
  // Keeps so many records below the floor, for learners, who do not hold up the floor.
  void RetainBelowFloor(uint64_t records) { retain_ = records; }
  // Starts empty behind `number`.
  void StartAfter(uint64_t number) {
    records_.clear();
    first_ = number + 1;
    floor_ = number;
  }
  uint64_t last() const { return first_ + records_.size() - 1; }
  uint64_t floor() const { return floor_; }
  uint64_t first_kept() const { return first_; }
  size_t size() const { return last() - floor_; }  // Above the floor.
  void Append(LogRecord record) { records_.push_back(std::move(record)); }
  // first_kept() <= number <= last()
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
    floor_ = std::max(floor_, std::min(floor, last()));
    while (!records_.empty() && first_ + retain_ <= floor_) {
      records_.pop_front();
      ++first_;
    }
  }

 private:
  std::deque<LogRecord> records_;
  uint64_t first_ = 1;
  uint64_t floor_ = 0;
  uint64_t retain_ = 0;
};

}  // namespace strata::multicast
