#pragma once

#include <cstdint>
#include <vector>

#include "common/status.h"
#include "service_manager/store/store.h"

namespace strata::manager::restore {

// How far numbers go on from where a backup has them: more than can have been given after it was
// made (docs/protocols/backup.md, section 4).
inline constexpr uint64_t kVersionsAhead = 1'000;
inline constexpr uint64_t kRegistrationsAhead = 1'000;
inline constexpr uint32_t kEngineIdsAhead = 1'000;
inline constexpr uint64_t kPurgesAhead = 1'000'000;
inline constexpr uint64_t kTermsAhead = 1'000;

// The records of a backup as a new store has them, so that whatever is ordered from now on is newer
// than all that was ordered before, also what the backup does not know; without the group's number
// and keys, and without the farm's managers. `now_s`: since 1970. DataLoss for a record that cannot
// be read.
StatusOr<std::vector<store::IntentRecord>> Rebase(const std::vector<store::IntentRecord>& records,
                                                  int64_t now_s);

}  // namespace strata::manager::restore
