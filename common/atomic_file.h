#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace strata {

// Replaces the file with `content`, or leaves it as it was: never a mixture, and on disk when this
// returns. The new file has exactly `mode` (such as 0600) and never had a wider one. Every failure
// names the path: PermissionDenied, NotFound (no such folder), Unavailable. Waits for the disk.
Status WriteFileAtomically(const std::string& path, std::string_view content, unsigned mode);

}  // namespace strata
