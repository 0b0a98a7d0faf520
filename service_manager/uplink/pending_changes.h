#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "common/time.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/feed/range_set.h"
#include "service_manager/uplink/directory_observer.h"

namespace strata::manager::uplink {

// All copies that the index has of a content.
using Copies = absl::InlinedVector<directory::Location, 3>;

// A copy that changed: what it was before its first change, and the last word about it. Nothing:
// not there. Both the same: it is to be told anew.
struct TouchedCopy {
  directory::Holder holder;
  std::optional<directory::LocationFlags> before = std::nullopt;
  std::optional<directory::LocationFlags> after = std::nullopt;
  // Of the copy, if it is there.
  uint64_t size_bytes = 0;
  std::optional<Duration> remaining = std::nullopt;  // From `at` on.
  std::string validator = {};
  Timestamp at = {};
};

// What happened to a content.
struct ContentChange {
  Copies before = {};  // All of its copies, before the first change.
  absl::InlinedVector<TouchedCopy, 1> touched = {};
  std::string uri = {};  // If one of the changes told it, or the store forgets it; else empty.

  Copies After() const;
  // One of the copies that changed is there.
  bool IsTouchedThere() const;
  TouchedCopy* Find(directory::Holder holder);
  const TouchedCopy* Find(directory::Holder holder) const {
    return const_cast<ContentChange*>(this)->Find(holder);
  }
  // What came next, in one with this.
  void Add(ContentChange&& next);
};

// Changes that become durable together, each content once.
struct ChangeGroup {
  std::vector<std::pair<farm::ContentKey, ContentChange>> contents;  // In the order of the keys.
  federation::RangeSet forgotten;  // Ranges with changes that found no room.
};

// Changes of a directory that wait until the store has them durably, in groups: what changes again
// within a group is told once. Pure, one thread.
//
//   Mark() ends a group; OnStored(mark, batch) says which batch of the store has it; Take(synced)
//   gives the first group that is durable.
class PendingChanges {
 public:
  // `pieces_max`: of copies and changes that wait. What is beyond is forgotten, and its range says
  // so. `groups_max`: at least 1; a group beyond it is joined with the one before.
  PendingChanges(size_t pieces_max, size_t groups_max)
      : pieces_max_(pieces_max), groups_max_(groups_max) {}

  // Asked for only if the content has not changed in this group: its copies, after the change.
  using CopiesNow = absl::FunctionRef<Copies()>;

  // `kept_uri`: of the content, if the store is about to forget it.
  void OnChange(const DirectoryChange& change, std::string_view kept_uri, CopiesNow copies_now,
                Timestamp now);
  // The URI of a content, with none of its copies changed.
  void OnUri(const farm::ContentKey& key, std::string_view uri, CopiesNow copies_now);

  // Behind all so far. Marks grow.
  uint64_t Mark();
  void OnStored(uint64_t mark, uint64_t batch);
  bool HasDurable(uint64_t synced) const;
  // Nothing if the first group is not durable yet, or if there is none.
  std::optional<ChangeGroup> Take(uint64_t synced);
  // Whether all up to that mark were taken.
  bool HasTaken(uint64_t mark) const;

  // ---- What was taken last of a content: as it was before what waits here.

  // The first change that waits; null: none does. Valid until the next call that is not const.
  const ContentChange* FindFirst(const farm::ContentKey& key) const;
  // Of all contents between two keys, both included, in their order.
  void VisitFirsts(
      const farm::ContentKey& first, const farm::ContentKey& last,
      absl::FunctionRef<void(const farm::ContentKey&, const ContentChange&)> visit) const;
  // Empty: none of the changes that wait told it.
  std::string_view FindUri(const farm::ContentKey& key) const;

  size_t contents() const;  // That wait; one that waits in two groups counts twice.
  size_t pieces() const { return pieces_; }
  bool has_forgotten() const;
  // Whether changes of that range were forgotten in a group that waits.
  bool HasForgotten(uint32_t range) const;

 private:
  struct Group {
    uint64_t begins = 0;  // Behind this mark,
    uint64_t mark = 0;    // up to this one.
    std::optional<uint64_t> batch;
    absl::flat_hash_map<farm::ContentKey, ContentChange> contents;
    federation::RangeSet forgotten;

    bool empty() const { return contents.empty() && forgotten.empty(); }
  };

  // The content's change in the group that is open; null, and forgotten, if there is no room.
  ContentChange* Open(const farm::ContentKey& key, CopiesNow copies_now);
  bool HasRoom(const farm::ContentKey& key, size_t pieces);
  void Join(Group& older, Group&& younger);

  const size_t pieces_max_;
  const size_t groups_max_;
  uint64_t changes_ = 0;  // So far.
  size_t pieces_ = 0;
  std::deque<Group> groups_;  // Marked; with their marks rising.
  Group open_;
};

}  // namespace strata::manager::uplink
