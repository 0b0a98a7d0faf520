#pragma once

// Names on disk that more than one file of this room needs.
namespace strata::manager::store {

inline constexpr char kFormatKey[] = "format";    // Among the facts: the version.
inline constexpr char kIntentsKey[] = "intents";  // Among the facts: how many were committed.
// Beside RocksDB's files: a number of intents that surely were committed, decimal.
inline constexpr char kIntentsFile[] = "INTENTS";

}  // namespace strata::manager::store
