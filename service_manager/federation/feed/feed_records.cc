#include "service_manager/federation/feed/feed_records.h"

#include <algorithm>
#include <cinttypes>
#include <string>

#include "common/check.h"
#include "common/tls/identity.h"
#include "common/utf8.h"
#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::federation {
namespace {

// The first byte of a record: its kind, and in the lower half what it has.
enum Kind : uint8_t {
  kIntroduction = 0x10,
  kGone = 0x20,
  kThere = 0x30,
  kInterval = 0x40,
  kDigests = 0x50,
};
constexpr uint8_t kKindMask = 0xf0;
// What a copy has, in a change and in an item.
constexpr uint8_t kHasRemaining = 1;
constexpr uint8_t kHasValidator = 2;
constexpr uint8_t kHasUri = 4;
constexpr uint8_t kHasKey = 8;  // Of an item: another content than the one before.

constexpr uint8_t kAnew = 1;  // In a batch's head.

constexpr size_t kChangeHeadBytes = 1 + farm::ContentKey::kBytes + 4;
constexpr size_t kCopyHeadBytes = 1 + 8;

const char* NameOf(uint8_t kind) {
  switch (kind) {
    case kIntroduction:
      return "introduction";
    case kGone:
    case kThere:
      return "change";
    case kInterval:
      return "interval";
    case kDigests:
      return "digests";
    default:
      return "unknown kind";
  }
}

uint64_t MillisecondsOf(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return count < 0 ? 0 : static_cast<uint64_t>(count);
}

// ---- Writing.

uint8_t PartsOf(const FeedCopy& copy, std::string_view uri) {
  return static_cast<uint8_t>((copy.remaining ? kHasRemaining : 0) |
                              (copy.validator.empty() ? 0 : kHasValidator) |
                              (uri.empty() ? 0 : kHasUri));
}

void EncodeCopy(const FeedCopy& copy, std::string_view uri, ByteWriter& writer) {
  STRATA_CHECK(copy.validator.size() <= farm::kMaxValidator);
  STRATA_CHECK(uri.size() <= farm::kMaxCanonicalUriBytes);
  writer.U8(copy.flags);
  writer.U64(copy.size_bytes);
  if (copy.remaining) writer.U64(MillisecondsOf(*copy.remaining));
  if (!copy.validator.empty()) {
    writer.U8(static_cast<uint8_t>(copy.validator.size()));
    writer.Put(copy.validator);
  }
  if (!uri.empty()) {
    writer.U16(static_cast<uint16_t>(uri.size()));
    writer.Put(uri);
  }
}

size_t CopyBytes(const FeedCopy& copy, std::string_view uri) {
  return kCopyHeadBytes + (copy.remaining ? 8 : 0) +
         (copy.validator.empty() ? 0 : 1 + copy.validator.size()) +
         (uri.empty() ? 0 : 2 + uri.size());
}

void EncodeName(std::string_view name, ByteWriter& writer) {
  STRATA_CHECK(name.size() <= UINT8_MAX);
  writer.U8(static_cast<uint8_t>(name.size()));
  writer.Put(name);
}

// ---- Reading. Each function reads one thing and believes it if the reader is still ok.

struct CopyAndUri {
  FeedCopy copy;
  std::string_view uri;
};

CopyAndUri ReadCopy(uint8_t parts, ByteReader& in) {
  CopyAndUri read;
  read.copy.flags = in.U8();
  read.copy.size_bytes = in.U64();
  if ((parts & kHasRemaining) != 0) {
    const uint64_t milliseconds = in.U64();
    if (milliseconds > kFeedRemainingMaxMs) in.Fail();
    read.copy.remaining = std::chrono::milliseconds(in.ok() ? milliseconds : 0);
  }
  if ((parts & kHasValidator) != 0) read.copy.validator = AsText(in.Take(in.U8()));
  if ((parts & kHasUri) != 0) read.uri = AsText(in.Take(in.U16()));
  return read;
}

FeedChange ReadChange(uint8_t head, ByteReader& in) {
  FeedChange change;
  change.key = farm::DecodeContentKey(in);
  change.holder = directory::Holder(in.U32());
  if ((head & kKindMask) == kGone) return change;
  const CopyAndUri read = ReadCopy(head, in);
  change.copy = read.copy;
  change.uri = read.uri;
  return change;
}

FeedInterval ReadInterval(ByteReader& in) {
  const farm::ContentKey first = farm::DecodeContentKey(in);
  const farm::ContentKey last = farm::DecodeContentKey(in);
  const uint16_t count = in.U16();
  const uint32_t bytes = in.U32();
  return {.first = first, .last = last, .items = FeedItems(in.Take(bytes), count)};
}

FeedDigests ReadDigests(ByteReader& in) {
  const uint16_t first = in.U16();
  const uint16_t count = in.U16();
  return {.first = first, .bytes = in.Take(count * sizeof(uint64_t))};
}

Introduction ReadIntroduction(ByteReader& in) {
  Introduction introduction;
  introduction.holder = directory::Holder(in.U32());
  introduction.name.scope = AsText(in.Take(in.U8()));
  introduction.name.engine = AsText(in.Take(in.U8()));
  for (uint8_t left = in.U8(); left > 0 && in.ok(); --left) {
    introduction.clients.push_back(DecodeEndpoint(in));
  }
  return introduction;
}

// ---- What may be wrong with what was read; null if nothing.

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}
bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < ' ' || c == 0x7f; });
}

const char* WrongIn(uint8_t parts, const FeedCopy& copy, std::string_view uri) {
  if ((parts & kHasValidator) != 0) {
    if (copy.validator.empty()) return "an empty validator";
    if (copy.validator.size() > farm::kMaxValidator) return "a validator above its limit";
    if (HasControls(copy.validator) || !IsUtf8(copy.validator)) return "a validator of odd letters";
  }
  if ((parts & kHasUri) != 0) {
    if (uri.empty()) return "an empty URI";
    if (uri.size() > farm::kMaxCanonicalUriBytes) return "a URI above its limit";
    if (!IsPlain(uri)) return "a URI of odd letters";
  }
  return nullptr;
}

const char* WrongIn(uint8_t head, const FeedChange& change) {
  const uint8_t parts = head & ~kKindMask;
  if ((head & kKindMask) == kGone) return parts == 0 ? nullptr : "attributes of what is gone";
  if ((parts & kHasKey) != 0) return "unknown attributes";
  return WrongIn(parts, *change.copy, change.uri);
}

const char* WrongIn(const Introduction& introduction) {
  if (!tls::CheckScope(introduction.name.scope).ok()) return "a scope that is no path of names";
  if (introduction.clients.size() > kFeedEndpointsMax) return "too many addresses";
  if (introduction.name.engine.empty()) {
    return introduction.clients.empty() ? nullptr : "addresses of a scope";
  }
  return tls::CheckName(introduction.name.engine).ok() ? nullptr : "an engine's name that is none";
}

const char* WrongIn(const FeedDigests& digests) {
  if (digests.count() == 0) return "no digests";
  return digests.first + digests.count() <= directory::kRanges ? nullptr
                                                               : "ranges that do not exist";
}

}  // namespace

// Looks at the records of a batch for the first time.
class FeedBatch::Inspector {
 public:
  explicit Inspector(ByteSpan body) : in_(body) {}

  Status Run(uint16_t records) {
    while (in_.remaining() > 0) {
      const uint8_t head = in_.U8();
      const bool introduces = (head & kKindMask) == kIntroduction;
      size_t& count = introduces ? introductions_ : numbered_;
      const size_t max = introduces ? kFeedBatchIntroductionsMax : kFeedBatchRecordsMax;
      const char* const wrong = ++count > max ? "one more than allowed" : WrongRecord(head);
      if (wrong != nullptr) return Refusal(head, wrong);
    }
    if (numbered_ != records) {
      return InvalidArgument("it has %zu records, and says %u", numbered_, records);
    }
    return Ok();
  }

 private:
  Status Refusal(uint8_t head, const char* wrong) const {
    return InvalidArgument("record %zu (%s): %s", numbered_ + introductions_,
                           NameOf(head & kKindMask), wrong);
  }

  const char* WrongRecord(uint8_t head) {
    const size_t before = in_.remaining();
    const char* const wrong = WrongOfKind(head);
    if (!in_.ok()) return wrong != nullptr ? wrong : "cut off, or a number above its limit";
    if (wrong != nullptr) return wrong;
    return before + 1 - in_.remaining() <= kFeedRecordBytesMax ? nullptr
                                                               : "more bytes than allowed";
  }

  const char* WrongOfKind(uint8_t head) {
    switch (head & kKindMask) {
      case kThere:
      case kGone: {
        const FeedChange change = ReadChange(head, in_);
        return in_.ok() ? WrongIn(head, change) : nullptr;
      }
      case kIntroduction:
        return head == kIntroduction ? WrongIntroduction() : "unknown attributes";
      case kInterval:
        return head == kInterval ? WrongInterval() : "unknown attributes";
      case kDigests: {
        const FeedDigests digests = ReadDigests(in_);
        if (head != kDigests) return "unknown attributes";
        return in_.ok() ? WrongIn(digests) : nullptr;
      }
      default:
        return "of a later version, or no record";
    }
  }

  const char* WrongIntroduction() {
    const Introduction introduction = ReadIntroduction(in_);
    return in_.ok() ? WrongIn(introduction) : nullptr;
  }

  const char* WrongInterval() {
    const farm::ContentKey first = farm::DecodeContentKey(in_);
    const farm::ContentKey last = farm::DecodeContentKey(in_);
    const uint16_t count = in_.U16();
    ByteReader items(in_.Take(in_.U32()));
    if (!in_.ok()) return nullptr;
    if (last < first || RangeOf(first) != RangeOf(last)) return "keys that are no part of a range";
    if (count > kFeedItemsMax) return "more items than allowed";
    const char* const wrong = WrongItems(first, last, count, items);
    if (wrong != nullptr) return wrong;
    return items.AtEnd() ? nullptr : "items that are cut off, or bytes left over";
  }

  static const char* WrongItems(const farm::ContentKey& first, const farm::ContentKey& last,
                                uint16_t count, ByteReader& items) {
    std::optional<farm::ContentKey> before;
    for (uint16_t i = 0; i < count && items.ok(); ++i) {
      const uint8_t parts = items.U8();
      if ((parts & kKindMask) != 0) return "an item with unknown attributes";
      if ((parts & kHasKey) != 0) {
        const farm::ContentKey key = farm::DecodeContentKey(items);
        if (items.ok() && (key < first || last < key)) return "an item outside of its keys";
        if (before && key <= *before) return "items that are not in order";
        before = key;
      } else if (!before) {
        return "an item without key";
      }
      items.U32();  // The holder: whether it was introduced is not seen here.
      const CopyAndUri read = ReadCopy(parts, items);
      const char* const wrong = items.ok() ? WrongIn(parts, read.copy, read.uri) : nullptr;
      if (wrong != nullptr) return wrong;
    }
    return nullptr;
  }

  ByteReader in_;
  size_t numbered_ = 0;
  size_t introductions_ = 0;
};

// ---- Encoding.

void Encode(const FeedBatchHead& head, ByteWriter& writer) {
  writer.U8(kFeedVersion);
  writer.U8(head.anew ? kAnew : 0);
  writer.U64(head.epoch);
  writer.U64(head.first_sequence);
  writer.U32(static_cast<uint32_t>(std::min<uint64_t>(MillisecondsOf(head.age), UINT32_MAX)));
  writer.U16(head.records);
}

void Encode(const Introduction& introduction, ByteWriter& writer) {
  STRATA_CHECK(introduction.clients.size() <= kFeedEndpointsMax);
  writer.U8(kIntroduction);
  writer.U32(introduction.holder.value());
  EncodeName(introduction.name.scope, writer);
  EncodeName(introduction.name.engine, writer);
  writer.U8(static_cast<uint8_t>(introduction.clients.size()));
  for (const Endpoint& endpoint : introduction.clients) Encode(endpoint, writer);
}

void Encode(const FeedChange& change, ByteWriter& writer) {
  writer.U8(change.copy ? kThere | PartsOf(*change.copy, change.uri) : kGone);
  Encode(change.key, writer);
  writer.U32(change.holder.value());
  if (change.copy) EncodeCopy(*change.copy, change.uri, writer);
}

void EncodeDigests(uint32_t first, std::span<const uint64_t> digests, ByteWriter& writer) {
  STRATA_CHECK(first + digests.size() <= directory::kRanges);
  writer.U8(kDigests);
  writer.U16(static_cast<uint16_t>(first));
  writer.U16(static_cast<uint16_t>(digests.size()));
  for (const uint64_t digest : digests) writer.U64(digest);
}

void EncodeInterval(const farm::ContentKey& first, const farm::ContentKey& last,
                    std::span<const FeedItem> items, ByteWriter& writer) {
  STRATA_CHECK(items.size() <= kFeedItemsMax);
  writer.U8(kInterval);
  Encode(first, writer);
  Encode(last, writer);
  writer.U16(static_cast<uint16_t>(items.size()));
  const size_t length_at = writer.size();
  writer.U32(0);
  const size_t start = writer.size();
  for (size_t i = 0; i < items.size(); ++i) {
    const FeedItem& item = items[i];
    const bool has_key = i == 0 || items[i - 1].key != item.key;
    writer.U8(PartsOf(item.copy, item.uri) | (has_key ? kHasKey : 0));
    if (has_key) Encode(item.key, writer);
    writer.U32(item.holder.value());
    EncodeCopy(item.copy, item.uri, writer);
  }
  writer.PatchU32(length_at, static_cast<uint32_t>(writer.size() - start));
}

size_t EncodedBytes(const Introduction& introduction) {
  return 1 + 4 + 1 + introduction.name.scope.size() + 1 + introduction.name.engine.size() + 1 +
         introduction.clients.size() * kEndpointEncodedMax;
}

size_t EncodedBytes(const FeedChange& change) {
  return kChangeHeadBytes + (change.copy ? CopyBytes(*change.copy, change.uri) : 0);
}

size_t EncodedBytesMax(const FeedItem& item) {
  return kChangeHeadBytes + CopyBytes(item.copy, item.uri);
}

// ---- Decoding.

FeedRecord DecodeRecord(ByteReader& reader) {
  const uint8_t head = reader.U8();
  switch (head & kKindMask) {
    case kIntroduction:
      return ReadIntroduction(reader);
    case kInterval:
      return ReadInterval(reader);
    case kDigests:
      return ReadDigests(reader);
    default:
      return ReadChange(head, reader);
  }
}

std::optional<FeedItem> FeedItems::Next() {
  if (left_ == 0) return std::nullopt;
  --left_;
  const uint8_t parts = reader_.U8();
  if ((parts & kHasKey) != 0) key_ = farm::DecodeContentKey(reader_);
  FeedItem item{.key = key_, .holder = directory::Holder(reader_.U32())};
  const CopyAndUri read = ReadCopy(parts, reader_);
  item.copy = read.copy;
  item.uri = read.uri;
  return item;
}

StatusOr<FeedBatch> FeedBatch::Open(ByteSpan bytes) {
  if (bytes.size() > kFeedBatchBytesMax) {
    return InvalidArgument("a batch of %zu bytes: at most %zu are allowed", bytes.size(),
                           kFeedBatchBytesMax);
  }
  ByteReader in(bytes);
  const uint8_t version = in.U8();
  if (in.ok() && version != kFeedVersion) {
    return InvalidArgument("a batch of version %u: %u is known", version, kFeedVersion);
  }
  const uint8_t bits = in.U8();
  FeedBatchHead head;
  head.epoch = in.U64();
  head.first_sequence = in.U64();
  head.age = std::chrono::milliseconds(in.U32());
  head.records = in.U16();
  head.anew = bits == kAnew;
  if (!in.ok()) return InvalidArgument("a batch of %zu bytes: its head is cut off", bytes.size());
  if (bits > kAnew || head.epoch == 0 || head.first_sequence == 0 ||
      head.first_sequence > UINT64_MAX - kFeedBatchRecordsMax) {
    return InvalidArgument("a batch whose head says what cannot be");
  }
  const ByteSpan body = in.Rest();
  const Status inspected = Inspector(body).Run(head.records);
  if (!inspected.ok()) {
    return InvalidArgument("batch %" PRIu64 "/%" PRIu64 ": %s", head.epoch, head.first_sequence,
                           MessageOf(inspected).c_str());
  }
  return FeedBatch(head, body, bytes.size());
}

std::optional<FeedRecord> FeedBatch::Next() {
  if (reader_.remaining() == 0) return std::nullopt;
  return DecodeRecord(reader_);
}

}  // namespace strata::manager::federation
