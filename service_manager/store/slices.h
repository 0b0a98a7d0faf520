#pragma once

#include <rocksdb/slice.h>

#include <string_view>

// Between RocksDB's views of bytes and ours; private.
namespace strata::manager::store {

inline rocksdb::Slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view TextOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace strata::manager::store
