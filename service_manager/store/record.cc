#include "service_manager/store/record.h"

#include <array>
#include <chrono>

#include "common/bytes.h"
#include "common/check.h"
#include "farm/asset.h"

namespace strata::manager::store {
namespace {

constexpr size_t kKeyBytes = farm::ContentKey::kBytes + 4;
constexpr size_t kFixedValueBytes = 1 + 8 + 8 + 2;
constexpr uint64_t kNoLimit = UINT64_MAX;
constexpr uint64_t kRemainingMax = INT64_MAX / 1'000'000;  // What a Duration can say, in ms.

uint64_t MillisecondsOf(const std::optional<Duration>& remaining) {
  if (!remaining) return kNoLimit;
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(*remaining).count();
  return count < 0 ? 0 : static_cast<uint64_t>(count);
}

}  // namespace

std::string UriKey(const farm::ContentKey& key) {
  std::array<uint8_t, farm::ContentKey::kBytes> bytes;
  ByteWriter writer(bytes);
  Encode(key, writer);
  return std::string(AsText(bytes));
}

std::string RecordKey(const farm::ContentKey& key, directory::Holder holder) {
  std::array<uint8_t, kKeyBytes> bytes;
  ByteWriter writer(bytes);
  Encode(key, writer);
  writer.U32(holder.value());
  return std::string(AsText(bytes));
}

std::string RecordValue(const StoredLocation& stored) {
  STRATA_CHECK(stored.validator.size() <= farm::kMaxValidator);
  std::array<uint8_t, kFixedValueBytes + farm::kMaxValidator> bytes;
  ByteWriter writer(bytes);
  writer.U8(stored.location.flags);
  writer.U64(stored.size_bytes);
  writer.U64(MillisecondsOf(stored.remaining));
  writer.U16(static_cast<uint16_t>(stored.validator.size()));
  writer.Put(stored.validator);
  return std::string(AsText(writer.written()));
}

std::optional<RecordHead> DecodeRecordHead(std::string_view key, std::string_view value) {
  if (key.size() != kKeyBytes || value.size() < kFixedValueBytes) return std::nullopt;
  ByteReader reader(AsBytes(key));
  RecordHead head;
  head.key = farm::DecodeContentKey(reader);
  head.location.holder = directory::Holder(reader.U32());
  head.location.flags = AsBytes(value)[0];
  return head;
}

bool DecodeRecordInto(std::string_view key, std::string_view value, StoredLocation& stored) {
  const std::optional<RecordHead> head = DecodeRecordHead(key, value);
  if (!head) return false;
  ByteReader reader(AsBytes(value).subspan(1));
  stored.key = head->key;
  stored.location = head->location;
  stored.size_bytes = reader.U64();
  const uint64_t remaining = reader.U64();
  const uint16_t validator_bytes = reader.U16();
  stored.validator = AsText(reader.Take(validator_bytes));
  if (!reader.AtEnd() || validator_bytes > farm::kMaxValidator) return false;
  stored.remaining.reset();
  if (remaining == kNoLimit) return true;
  if (remaining > kRemainingMax) return false;
  stored.remaining = std::chrono::milliseconds(static_cast<int64_t>(remaining));
  return true;
}

std::optional<StoredLocation> DecodeRecord(std::string_view key, std::string_view value) {
  StoredLocation stored;
  if (!DecodeRecordInto(key, value, stored)) return std::nullopt;
  return stored;
}

std::string ChildPositionKey(std::string_view child) { return std::string(kFeedKey).append(child); }

std::string ChildPositionValue(const ChildPosition& position) {
  std::array<uint8_t, 16> bytes;
  ByteWriter writer(bytes);
  writer.U64(position.epoch);
  writer.U64(position.sequence);
  return std::string(AsText(bytes));
}

std::optional<ChildPosition> DecodeChildPosition(std::string_view key, std::string_view value) {
  if (!key.starts_with(kFeedKey)) return std::nullopt;
  ByteReader reader(AsBytes(value));
  ChildPosition position;
  position.child = key.substr(kFeedKey.size());
  position.epoch = reader.U64();
  position.sequence = reader.U64();
  if (position.child.empty() || !reader.AtEnd()) return std::nullopt;
  return position;
}

}  // namespace strata::manager::store
