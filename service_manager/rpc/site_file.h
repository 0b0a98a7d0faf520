#pragma once

#include <string>
#include <string_view>

#include "common/status.h"
#include "farm/site.h"

namespace strata::manager {

// Reads a site's file (proto/site.proto). Hosts and parameter names are brought to their canonical
// form; the version is 0, the manager gives it. InvalidArgument tells all that is wrong at once, a
// line each: with file, line and key where the text is at fault, with file and field where the
// values do not fit together. `file_name` is for the errors. Any thread.
StatusOr<farm::Site> ReadSiteFile(std::string_view file_name, std::string_view yaml_text);

}  // namespace strata::manager
