#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/time.h"
#include "farm/content_key.h"
#include "service_manager/directory/location.h"

// The records of locations, and of the feeds that they come from, as they lie on disk. docs: this
// room's README.
namespace strata::manager::store {

// One copy of a content, with all that a directory knows of it.
struct StoredLocation {
  farm::ContentKey key;
  directory::Location location;
  uint64_t size_bytes = 0;
  // How long the copy is fresh, counted from when this was written; nothing: no limit. Kept in
  // milliseconds. Who reads it after a restart takes it for an upper bound.
  std::optional<Duration> remaining = std::nullopt;
  std::string validator = {};  // ETag or the like; at most farm::kMaxValidator bytes.

  friend bool operator==(const StoredLocation&, const StoredLocation&) = default;
};

// The key of a record: content key, holder; big-endian, so that records lie in their order.
std::string RecordKey(const farm::ContentKey& key, directory::Holder holder);
// The key of a content's URI; records of the content's locations begin with it.
std::string UriKey(const farm::ContentKey& key);
// The value: flags, size, remaining time, validator. `stored` has a validator of allowed length.
std::string RecordValue(const StoredLocation& stored);

// What key and value say; nothing if they are not what was written by this version.
std::optional<StoredLocation> DecodeRecord(std::string_view key, std::string_view value);
// The same into `stored`, whose memory it uses again; false: `stored` is of no use.
bool DecodeRecordInto(std::string_view key, std::string_view value, StoredLocation& stored);
// The part that the hot index needs, without allocation.
struct RecordHead {
  farm::ContentKey key;
  directory::Location location;
};
std::optional<RecordHead> DecodeRecordHead(std::string_view key, std::string_view value);

// How far the feed of a child is applied. docs/protocols/federation.md, 3.
struct ChildPosition {
  std::string child;  // Its scope.
  uint64_t epoch = 0;
  uint64_t sequence = 0;

  friend bool operator==(const ChildPosition&, const ChildPosition&) = default;
};

// Among the facts about a store: the key, which begins with kFeedKey, and the value.
inline constexpr std::string_view kFeedKey = "feed/";
std::string ChildPositionKey(std::string_view child);
std::string ChildPositionValue(const ChildPosition& position);
std::optional<ChildPosition> DecodeChildPosition(std::string_view key, std::string_view value);

}  // namespace strata::manager::store
