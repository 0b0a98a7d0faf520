#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"
#include "common/status.h"
#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/federation/feed/feed_limits.h"
#include "service_manager/federation/holder_name.h"

// The records of a feed and their bytes. docs/protocols/federation.md, 3 and appendix A.
//
// Texts are views: of what is encoded, into the caller's; of what is decoded, into the batch. Only
// an introduction, which is rare, has memory of its own.
namespace strata::manager::federation {

// What is told of one copy beside where it is.
struct FeedCopy {
  directory::LocationFlags flags = 0;
  uint64_t size_bytes = 0;
  // How long it is fresh, from when it is told; nothing: no limit. Milliseconds on the wire.
  std::optional<Duration> remaining = std::nullopt;
  std::string_view validator = {};  // At most farm::kMaxValidator bytes.

  friend bool operator==(const FeedCopy&, const FeedCopy&) = default;
};

// One content and holder: there like that, or gone. `holder` is the sender's number.
struct FeedChange {
  farm::ContentKey key;
  directory::Holder holder;
  std::optional<FeedCopy> copy = std::nullopt;  // Nothing: gone.
  // The content's canonical URI, with all that is there: the parent may have missed an earlier one.
  // Never with what is gone.
  std::string_view uri = {};

  friend bool operator==(const FeedChange&, const FeedChange&) = default;
};

// An item of an interval. Those of one content stand together; the first may bring the URI.
struct FeedItem {
  farm::ContentKey key;
  directory::Holder holder;
  FeedCopy copy = {};
  std::string_view uri = {};

  friend bool operator==(const FeedItem&, const FeedItem&) = default;
};

// The items of a decoded interval, one after the other; they were looked at when the batch was
// opened, so nothing fails here.
class FeedItems {
 public:
  FeedItems(ByteSpan bytes, size_t count) : reader_(bytes), left_(count) {}

  std::optional<FeedItem> Next();
  size_t left() const { return left_; }

 private:
  ByteReader reader_;
  size_t left_;
  farm::ContentKey key_ = {};
};

// From `first` to `last`, both included and of one range, there is this and nothing else.
struct FeedInterval {
  farm::ContentKey first, last;
  FeedItems items;
};

// The digests of the ranges `first`, `first` + 1, …
struct FeedDigests {
  uint32_t first = 0;
  ByteSpan bytes;  // Eight for each.

  size_t count() const { return bytes.size() / sizeof(uint64_t); }
  uint64_t digest(size_t i) const {
    return ByteReader(bytes.subspan(i * sizeof(uint64_t), sizeof(uint64_t))).U64();
  }
};

// Who a number of the sender is, from here on in this stream. Has no number in the feed.
struct Introduction {
  directory::Holder holder;
  HolderName name;
  std::vector<Endpoint> clients = {};  // Of an engine; at most kFeedEndpointsMax.

  friend bool operator==(const Introduction&, const Introduction&) = default;
};

using FeedRecord = std::variant<Introduction, FeedChange, FeedInterval, FeedDigests>;

// What stands before the records of a batch.
struct FeedBatchHead {
  uint64_t epoch = 0;
  uint64_t first_sequence = 0;  // Of its first record that has a number.
  // How long its oldest record has waited: remaining lifetimes are less by it.
  Duration age{};  // Milliseconds on the wire.
  // The feed does not go on behind what the parent has: nothing before this batch will come.
  bool anew = false;
  uint16_t records = 0;  // Those that have a number.

  friend bool operator==(const FeedBatchHead&, const FeedBatchHead&) = default;
};

// ---- Encoding. What is given has to keep the limits: it is the own side's. Writes nothing that
// does not fit: ask writer.ok(), or EncodedBytes before.

inline constexpr size_t kFeedBatchHeadBytes = 1 + 1 + 8 + 8 + 4 + 2;

void Encode(const FeedBatchHead& head, ByteWriter& writer);
void Encode(const Introduction& introduction, ByteWriter& writer);
void Encode(const FeedChange& change, ByteWriter& writer);
void EncodeDigests(uint32_t first, std::span<const uint64_t> digests, ByteWriter& writer);
// `items` in the order of (key, identity of the holder).
void EncodeInterval(const farm::ContentKey& first, const farm::ContentKey& last,
                    std::span<const FeedItem> items, ByteWriter& writer);

size_t EncodedBytes(const Introduction& introduction);
size_t EncodedBytes(const FeedChange& change);
// At most: an item of the content before it takes less.
size_t EncodedBytesMax(const FeedItem& item);
// Of an interval without items, and of a digests record without digests.
inline constexpr size_t kFeedIntervalHeadBytes = 1 + 16 + 16 + 2 + 4;
inline constexpr size_t kFeedDigestsHeadBytes = 1 + 2 + 2;

// ---- Decoding. A batch trusts nothing.

// The next record of bytes that were encoded here, or that FeedBatch::Open has looked at. Not at
// their end.
FeedRecord DecodeRecord(ByteReader& reader);

// A batch of the other side. Opening it looks at all of its bytes once, so that it is taken or
// refused as a whole; then Next() gives its records, and nothing fails.
//
//   STRATA_ASSIGN_OR_RETURN(FeedBatch batch, FeedBatch::Open(bytes));
//   while (std::optional<FeedRecord> record = batch.Next()) …
//
// The bytes must live as long as the batch and what it gave.
class FeedBatch {
 public:
  // InvalidArgument names the record by its place in the batch, and what is wrong with it: sizes
  // beyond the limits, bytes missing or left over, an interval whose keys are not in order or lie
  // outside of it or of one range, names that are none. It does not know who is introduced.
  static StatusOr<FeedBatch> Open(ByteSpan bytes);

  const FeedBatchHead& head() const { return head_; }
  size_t bytes() const { return size_; }

  // Introductions and records in their order; nothing at the end.
  std::optional<FeedRecord> Next();
  // From the first record again.
  void Rewind() { reader_ = ByteReader(body_); }

 private:
  class Inspector;

  FeedBatch(const FeedBatchHead& head, ByteSpan body, size_t size)
      : head_(head), body_(body), reader_(body), size_(size) {}

  FeedBatchHead head_;
  ByteSpan body_;
  ByteReader reader_;
  size_t size_;
};

}  // namespace strata::manager::federation
