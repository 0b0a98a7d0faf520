#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace strata::engine {

inline constexpr size_t kLibraryNameBytesMax = 255;
inline constexpr size_t kLibraryDepthMax = 32;

// The file of a site's library, as a path below the site's folder, that is a copy of the content
// with this target (path and query of its canonical URI). InvalidArgument, saying why, if no file
// can be: a query, an empty or hidden name, a name that is too long, an escape that means another
// content than the character does. Pure.
StatusOr<std::string> LibraryPathOf(std::string_view target);

}  // namespace strata::engine
