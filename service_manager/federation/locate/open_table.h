#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/federation/locate/neighbours.h"

namespace strata::manager::federation {

// What is open at a moment and ends by a deadline, each thing about one content and with one
// neighbour: found by number, by content, by what is due. Rows stay where they are in memory until
// they are taken out. All lists are in the order of numbers. Pure; one thread.
template <class Id, class Item>
class OpenTable {
 public:
  struct Row {
    farm::ContentKey key;
    NeighbourId with{};
    Timestamp deadline;
    Item item;
  };

  // The number must be free.
  Row& Add(Id id, Row row) {
    const auto [place, added] = rows_.emplace(id, std::move(row));
    STRATA_CHECK(added);
    Row& there = place->second;
    by_key_.emplace(there.key, id);
    by_deadline_.emplace(there.deadline, id);
    ++counts_[there.with];
    return there;
  }
  // Null if there is none.
  Row* Find(Id id) {
    const auto found = rows_.find(id);
    return found == rows_.end() ? nullptr : &found->second;
  }
  std::optional<Row> Take(Id id) {
    const auto found = rows_.find(id);
    if (found == rows_.end()) return std::nullopt;
    Row row = std::move(found->second);
    rows_.erase(found);
    by_key_.erase({row.key, id});
    by_deadline_.erase({row.deadline, id});
    if (--counts_[row.with] == 0) counts_.erase(row.with);
    return row;
  }
  void Reschedule(Id id, Row& row, Timestamp deadline) {
    by_deadline_.erase({row.deadline, id});
    row.deadline = deadline;
    by_deadline_.emplace(deadline, id);
  }

  std::vector<Id> OfKey(const farm::ContentKey& key) const {
    std::vector<Id> ids;
    for (auto at = by_key_.lower_bound({key, Id()}); at != by_key_.end() && at->first == key;
         ++at) {
      ids.push_back(at->second);
    }
    return ids;
  }
  std::vector<Id> All() const {
    std::vector<Id> ids;
    for (const auto& [id, row] : rows_) ids.push_back(id);
    return ids;
  }
  // Looks at every row.
  std::vector<Id> With(NeighbourId neighbour) const {
    std::vector<Id> ids;
    for (const auto& [id, row] : rows_) {
      if (row.with == neighbour) ids.push_back(id);
    }
    return ids;
  }
  size_t CountWith(NeighbourId neighbour) const {
    const auto found = counts_.find(neighbour);
    return found == counts_.end() ? 0 : found->second;
  }

  // The one whose deadline was the first to come, of those that are due.
  std::optional<Id> Due(Timestamp now) const {
    if (by_deadline_.empty() || by_deadline_.begin()->first > now) return std::nullopt;
    return by_deadline_.begin()->second;
  }
  Timestamp NextDeadline() const {
    return by_deadline_.empty() ? Timestamp::Never() : by_deadline_.begin()->first;
  }
  size_t size() const { return rows_.size(); }

 private:
  std::map<Id, Row> rows_;
  std::set<std::pair<farm::ContentKey, Id>> by_key_;
  std::set<std::pair<Timestamp, Id>> by_deadline_;
  std::map<NeighbourId, size_t> counts_;
};

}  // namespace strata::manager::federation
