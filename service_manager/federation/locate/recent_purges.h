#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "farm/content_key.h"

namespace strata::manager::federation {

// What a manager knows of the purges of a content.
struct PurgePositions {
  uint64_t applied = 0;  // How far it has applied the log of the content's site.
  uint64_t purged = 0;   // The last purge of this content, or a later one of another.

  friend bool operator==(const PurgePositions&, const PurgePositions&) = default;
};

// Which contents were purged last, and where in the logs of their sites: so that a manager says in
// each question what whoever answers must have applied (docs/protocols/federation.md, 4). Remembers
// so many keys as it is given; of those before, only how far they reached in the log of their site,
// which then counts for all contents of the site. Pure; one thread.
class RecentPurges {
 public:
  explicit RecentPurges(size_t keys_max) : keys_max_(keys_max) {}

  // The log of the site is applied up to there, its keys are not remembered: after a start.
  void Restore(std::string_view site, uint64_t position);
  // The next entry of the site's log; without keys: all of the site. One that it has had already
  // changes nothing.
  void OnPurged(std::string_view site, uint64_t position, std::span<const farm::ContentKey> keys);
  // The site is no more, and its log neither.
  void Remove(std::string_view site);

  PurgePositions Of(std::string_view site, const farm::ContentKey& key) const;
  size_t size() const { return newest_.size(); }  // Keys.

 private:
  struct Site {
    uint64_t applied = 0;
    uint64_t forgotten = 0;  // The last purge whose keys are not all remembered.
  };
  struct Entry {
    std::string site;
    uint64_t position = 0;
    farm::ContentKey key;
  };

  void Forget(const Entry& entry);

  const size_t keys_max_;
  std::map<std::string, Site, std::less<>> sites_;
  std::deque<Entry> entries_;  // In the order in which they came.
  absl::flat_hash_map<farm::ContentKey, uint64_t> newest_;
};

}  // namespace strata::manager::federation
