#pragma once

// Names on disk that more than one file of this room needs.
namespace strata::manager::store {

inline constexpr char kFormatKey[] = "format";    // Among the facts: the version.
inline constexpr int kFormatOfFarm = 1;           // Without positions of feeds.
inline constexpr int kFormatWithFeeds = 2;        // From the first position on.
inline constexpr char kIntentsKey[] = "intents";  // Among the facts: how many were committed.
// Beside RocksDB's files: a number of intents that surely were committed, decimal.
inline constexpr char kIntentsFile[] = "INTENTS";
// While it is being written; no name of RocksDB's, which removes its own temporary files at will.
inline constexpr char kFreshSuffix[] = ".new";

}  // namespace strata::manager::store
