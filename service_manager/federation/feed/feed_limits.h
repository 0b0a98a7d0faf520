#pragma once

#include <cstddef>
#include <cstdint>

#include "common/address.h"
#include "farm/asset.h"
#include "farm/content_identity.h"
#include "service_manager/directory/limits.h"

// The limits of the feed from child to parent. docs/protocols/federation.md, appendix A.
namespace strata::manager::federation {

inline constexpr uint8_t kFeedVersion = 1;

// Of one interval: so many that each content can be told whole.
inline constexpr size_t kFeedItemsMax = directory::kLocationsPerKeyMax;
// Addresses for clients of one engine, of all families.
inline constexpr size_t kFeedEndpointsMax = 8;
// Records with a number of one batch, and holders that it introduces.
inline constexpr size_t kFeedBatchRecordsMax = 4096;
inline constexpr size_t kFeedBatchIntroductionsMax = 4096;
// Bytes of one record and of one batch, with its introductions. A content with as many copies as a
// directory takes fits into a record, and a record into a batch.
inline constexpr size_t kFeedRecordBytesMax = size_t{512} << 10;
inline constexpr size_t kFeedBatchBytesMax = size_t{2} << 20;
// Holders that one child introduces in one stream.
inline constexpr size_t kFeedHoldersMax = size_t{1} << 18;
// Remaining lifetimes, in milliseconds: what a Duration can say.
inline constexpr uint64_t kFeedRemainingMaxMs = INT64_MAX / 1'000'000;

}  // namespace strata::manager::federation
