#pragma once

#include <chrono>
#include <cstddef>

#include "common/time.h"

// The limits of what a manager that leads keeps for telling its backups.
namespace strata::manager::mirror {

// So often it looks which backups there are.
inline constexpr Duration kLookEvery = std::chrono::milliseconds(500);

// Of the feed to one backup: what waits until the backup has it on its disk. A backup is near, and
// what finds no room is told anew: so less is kept than for a parent.
inline constexpr size_t kKeptRecordsMax = 250'000;
inline constexpr size_t kKeptBytesMax = size_t{64} << 20;

}  // namespace strata::manager::mirror
