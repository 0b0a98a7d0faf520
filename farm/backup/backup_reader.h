#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "common/status.h"
#include "farm/backup/manifest.h"

namespace strata::farm::backup {

// Reads a backup from a folder or a tar, every record in order, and checks all: checksums, counts,
// order, the manifest. What `each` got counts only if this is ok; an error of its own is given with
// the place of the record. DataLoss names file and place of a damage; FailedPrecondition: of
// another format; else what the system says. Holds one part in memory.
StatusOr<Manifest> ReadBackup(
    const std::string& path,
    absl::FunctionRef<Status(std::string_view key, std::string_view value)> each);

}  // namespace strata::farm::backup
