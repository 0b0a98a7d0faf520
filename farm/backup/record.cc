#include "farm/backup/record.h"

#include <xxhash.h>

#include <array>

namespace strata::farm::backup {
namespace {

constexpr size_t kHeadBytes = 8;
constexpr size_t kSumBytes = 8;

Status Damaged(size_t offset, const char* what) {
  return DataLoss("damaged at byte %zu: %s", offset, what);
}

std::string BigEndian(uint64_t number) {
  std::array<uint8_t, 8> bytes;
  ByteWriter writer(bytes);
  writer.U64(number);
  return std::string(AsText(bytes));
}

}  // namespace

void AppendRecord(std::string_view key, std::string_view value, std::string& out) {
  const size_t begin = out.size();
  std::array<uint8_t, kHeadBytes> head;
  ByteWriter writer(head);
  writer.U32(static_cast<uint32_t>(key.size()));
  writer.U32(static_cast<uint32_t>(value.size()));
  out.append(AsText(head)).append(key).append(value);
  out.append(BigEndian(XXH3_64bits(out.data() + begin, out.size() - begin)));
}

Status VisitRecords(
    std::string_view bytes,
    absl::FunctionRef<Status(size_t offset, std::string_view key, std::string_view value)> visit) {
  size_t at = 0;
  while (at < bytes.size()) {
    ByteReader in(AsBytes(bytes.substr(at)));
    const size_t key_bytes = in.U32();
    const size_t value_bytes = in.U32();
    if (!in.ok()) return Damaged(at, "a record that is cut short");
    if (key_bytes > kRecordBytesMax || value_bytes > kRecordBytesMax ||
        key_bytes + value_bytes > kRecordBytesMax) {
      return Damaged(at, "a record that is too long to be one");
    }
    const std::string_view key = AsText(in.Take(key_bytes));
    const std::string_view value = AsText(in.Take(value_bytes));
    const uint64_t sum = in.U64();
    if (!in.ok()) return Damaged(at, "a record that is cut short");
    const size_t summed = kHeadBytes + key_bytes + value_bytes;
    if (XXH3_64bits(bytes.data() + at, summed) != sum) {
      return Damaged(at, "a record whose checksum is wrong");
    }
    STRATA_RETURN_IF_ERROR(visit(at, key, value));
    at += summed + kSumBytes;
  }
  return Ok();
}

std::optional<IntentKey> ParseIntentKey(std::string_view key) {
  if (key.size() < 2) return std::nullopt;
  IntentKey parsed;
  const std::string_view rest = key.substr(1);
  if (key[0] == 'n') {
    if (rest.find('\0') != std::string_view::npos) return std::nullopt;
    parsed.kind = IntentKey::Kind::kNext;
    parsed.name = rest;
    return parsed;
  }
  const size_t end = rest.find('\0');
  if (end == 0 || end == std::string_view::npos) return std::nullopt;
  parsed.name = rest.substr(0, end);
  parsed.key = rest.substr(end + 1);
  if (key[0] == 't') return parsed;
  if (key[0] != 'l') return std::nullopt;
  const std::optional<uint64_t> position = ReadNextValue(parsed.key);
  if (!position) return std::nullopt;
  parsed.kind = IntentKey::Kind::kLog;
  parsed.position = *position;
  parsed.key = {};
  return parsed;
}

std::string TableKey(std::string_view table, std::string_view key) {
  return std::string("t").append(table).append(1, '\0').append(key);
}

std::string NextKey(std::string_view log) { return std::string("n").append(log); }

std::string NextValue(uint64_t position) { return BigEndian(position); }

std::optional<uint64_t> ReadNextValue(std::string_view value) {
  ByteReader in(AsBytes(value));
  const uint64_t position = in.U64();
  return in.AtEnd() ? std::optional(position) : std::nullopt;
}

}  // namespace strata::farm::backup
