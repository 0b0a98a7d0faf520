#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/time.h"
#include "service_manager/federation/feed/range_set.h"
#include "service_manager/uplink/pending_changes.h"

namespace strata::manager::uplink {

// New contents that wait for their URI, of which the parent has not heard yet, and those that it
// was told of without. Pure, one thread.
class UriBook {
 public:
  UriBook(size_t waiting_max, size_t without_max)
      : waiting_max_(waiting_max), without_max_(without_max) {}

  // ---- Who waits.

  struct Waiting {
    ContentChange change;
    Timestamp until;
  };

  bool HasRoom() const { return waiting_.size() < waiting_max_; }
  // With room, and if it does not wait yet.
  void Wait(const farm::ContentKey& key, Waiting&& content);
  bool Waits(const farm::ContentKey& key) const { return waiting_.contains(key); }
  // Out of those that wait; nothing if it does not.
  std::optional<Waiting> Take(const farm::ContentKey& key);
  // The next one whose time is over.
  std::optional<std::pair<farm::ContentKey, ContentChange>> TakeDue(Timestamp now);
  Timestamp next_due() const { return order_.empty() ? Timestamp::Never() : order_.front().first; }
  size_t waiting() const { return waiting_.size(); }

  // ---- Who was told without.

  // False: there is no room to remember it.
  bool AddWithout(const farm::ContentKey& key);
  bool IsWithout(const farm::ContentKey& key) const { return without_.contains(key); }
  void RemoveWithout(const farm::ContentKey& key) { without_.erase(key); }
  // Those of these ranges: they are to be told anew.
  void RemoveWithout(const federation::RangeSet& ranges);

 private:
  const size_t waiting_max_;
  const size_t without_max_;
  absl::flat_hash_map<farm::ContentKey, Waiting> waiting_;
  std::deque<std::pair<Timestamp, farm::ContentKey>> order_;  // Some were taken since.
  absl::flat_hash_set<farm::ContentKey> without_;
};

}  // namespace strata::manager::uplink
