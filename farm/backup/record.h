#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "common/bytes.h"
#include "common/status.h"

// The records of a backup as bytes (docs/protocols/backup.md). Pure.
namespace strata::farm::backup {

// Key and value of one record together.
inline constexpr size_t kRecordBytesMax = (size_t{4} << 20) + 1024;
// What a record takes beside key and value.
inline constexpr size_t kRecordOverhead = 16;

// Appends a record of allowed size.
void AppendRecord(std::string_view key, std::string_view value, std::string& out);

// Every record of `bytes`, with its place; until `visit` fails. DataLoss, naming the place, for
// what AppendRecord did not write.
Status VisitRecords(
    std::string_view bytes,
    absl::FunctionRef<Status(size_t offset, std::string_view key, std::string_view value)> visit);

// What the key of a record says: of a table, of an entry of a log, or of where a log goes on.
struct IntentKey {
  enum class Kind : uint8_t { kTable, kLog, kNext };

  Kind kind = Kind::kTable;
  std::string_view name;  // Of the table or log.
  std::string_view key;   // In the table.
  uint64_t position = 0;  // In the log.
};
std::optional<IntentKey> ParseIntentKey(std::string_view key);

// The same the other way round.
std::string TableKey(std::string_view table, std::string_view key);
std::string NextKey(std::string_view log);
// The value of a kNext record: the position that the next entry gets.
std::string NextValue(uint64_t position);
std::optional<uint64_t> ReadNextValue(std::string_view value);

}  // namespace strata::farm::backup
