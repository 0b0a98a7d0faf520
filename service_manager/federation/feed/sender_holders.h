#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/status.h"
#include "service_manager/federation/feed/feed_records.h"

namespace strata::manager::federation {

// Who the numbers of a feed's records are, and which of them the stream that there is knows. A
// number stays until no record that is kept can name it. docs/protocols/federation.md, 3.
class SenderHolders {
 public:
  // `next`: the number of the next record. InvalidArgument for a name or addresses out of bounds,
  // or a number that is still another's; ResourceExhausted beyond kFeedHoldersMax.
  Status Set(const Introduction& introduction, uint64_t next);
  // No record from `next` on will name it.
  void Forget(directory::Holder holder, uint64_t next);
  // Records up to that number are not kept any more.
  void OnForgotten(uint64_t sequence);

  // Of a holder that was set.
  HolderIdentity identity(directory::Holder holder) const;

  // Another stream, which goes on behind that record; nothing: anew.
  void OnStream(std::optional<uint64_t> position);
  // What the stream has to hear of a holder before a record that names it; null if it knows. The
  // caller says OnIntroduced when it has told it.
  const Introduction* ToIntroduce(directory::Holder holder) const;
  void OnIntroduced(directory::Holder holder);
  // The next holder whose introduction is due without any record; HasDue may be true for none.
  std::optional<directory::Holder> NextDue();
  bool HasDue() const { return !due_.empty(); }

 private:
  struct Known {
    Introduction introduction;
    HolderIdentity identity;
    uint64_t changed_before = 0;    // The number of the record that came next then.
    uint64_t forgotten_before = 0;  // The same; 0: it is in use.
    uint64_t stream = 0;            // The last stream that was told.
    bool due = false;               // In due_.
  };

  void MakeDue(directory::Holder holder, Known& known);
  void Drop(directory::Holder holder, uint64_t forgotten_before);

  absl::flat_hash_map<directory::Holder, Known> known_;
  std::deque<std::pair<uint64_t, directory::Holder>> forgotten_;  // By forgotten_before.
  std::deque<directory::Holder> due_;
  uint64_t stream_ = 1;
  uint64_t kept_from_ = 1;
};

}  // namespace strata::manager::federation
