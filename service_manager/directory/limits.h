#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::manager::directory {

// Ranges of keys, by their first bits: the unit of digests.
inline constexpr uint32_t kRangeBits = 12;
inline constexpr uint32_t kRanges = 1u << kRangeBits;
// Parts of the index, by fewer of the same bits: the unit of growth and of reading in order.
inline constexpr uint32_t kPartBits = 8;
inline constexpr uint32_t kParts = 1u << kPartBits;
inline constexpr uint32_t kRangesPerPart = kRanges / kParts;

// Threads that read an index at the same time.
inline constexpr size_t kReadersMax = 256;

// Locations of one content; an engine or a child scope each.
inline constexpr size_t kLocationsPerKeyMax = 4096;

// Contents with more locations than fit beside their key (kInlineLocations).
inline constexpr uint32_t kBlocksPerSegment = 1u << 16;
inline constexpr uint32_t kBlockSegmentsMax = 1u << 10;

}  // namespace strata::manager::directory
