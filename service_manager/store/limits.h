#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::manager::store {

// Names of tables and logs, in bytes.
inline constexpr size_t kNameBytesMax = 64;
// One intent record, key and value.
inline constexpr size_t kIntentBytesMax = size_t{4} << 20;
// All intent records together, where a store is copied.
inline constexpr size_t kIntentsBytesMax = size_t{512} << 20;
// Location changes that are written and not yet synced; Apply waits beyond it. Whoever syncs
// anything on the same disk may have to wait until all of them are there.
inline constexpr size_t kUnsyncedBytesMax = size_t{4} << 20;
// Children whose feeds have a position in a store.
inline constexpr size_t kFeedsMax = 4096;
// Bytes of a child's scope.
inline constexpr size_t kScopeBytesMax = 255;

// Memory of the engine beneath, in bytes.
inline constexpr size_t kBlockCacheBytes = size_t{64} << 20;
inline constexpr size_t kWriteBuffersBytes = size_t{128} << 20;
inline constexpr size_t kWalBytesMax = size_t{512} << 20;

}  // namespace strata::manager::store
