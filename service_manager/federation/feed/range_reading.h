#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "service_manager/federation/feed/feed_records.h"

namespace strata::manager::federation {

// Changes that come while one step is read. Beyond it the step is read again.
inline constexpr size_t kNotedChangesMax = 4096;

// What the sender wants to read of its own directory: the projection of the contents between two
// keys, both included, of one range.
struct FeedRead {
  uint64_t number = 0;
  farm::ContentKey first, last;
  size_t items = 0;  // A hint: about so many copies. More is fine, and less.

  friend bool operator==(const FeedRead&, const FeedRead&) = default;
};

// What was read: all copies of the projection from the read's first key to `last`, in the order of
// their keys (holders in any), each content's URI with its first. Each content is whole.
struct FeedReadItems {
  farm::ContentKey last;  // Up to here; the read's own last key, if that was all.
  std::span<const FeedItem> items;
};

// One range on its way to be told anew, or to be checked: read in the order of keys, in steps that
// take their time. docs/protocols/federation.md, 3.2.
class RangeReading {
 public:
  enum class Purpose : uint8_t { kTell, kCheck };
  using IdentityOf = absl::FunctionRef<HolderIdentity(directory::Holder)>;

  RangeReading(uint32_t range, Purpose purpose);

  uint32_t range() const { return range_; }
  Purpose purpose() const { return purpose_; }
  // All before this key of the range was read.
  bool IsBehind(const farm::ContentKey& key) const { return key < next_; }

  // The step that is wanted; the same one until it is taken or asked for again. `number` is the
  // one of a step that was not asked for yet.
  FeedRead Ask(uint64_t number, size_t items);
  // A change of what is not read yet: what a step under way may have missed.
  void Note(const FeedChange& change);

  // What is there up to a key: in the order of (key, identity), the URI with the first of a
  // content. The texts live as long as `found` and the reading's notes.
  struct Step {
    farm::ContentKey first, last;
    std::vector<FeedItem> items;
  };
  // The step's items with the changes laid over; nothing if it is not the one under way, or if too
  // much has changed meanwhile: then another one is wanted.
  std::optional<Step> Take(const FeedRead& read, const FeedReadItems& found,
                           IdentityOf identity_of);
  // Another step is wanted from the same key: this one could not be used.
  void AskAgain();
  // The step is done. True: the range is.
  bool Advance(const Step& step);

  // Of what was read so far.
  uint64_t digest = 0;

 private:
  std::vector<FeedChange> Notes() const;

  const uint32_t range_;
  const Purpose purpose_;
  farm::ContentKey next_;
  std::optional<FeedRead> asked_;
  Bytes notes_;  // Encoded changes.
  size_t noted_ = 0;
};

}  // namespace strata::manager::federation
