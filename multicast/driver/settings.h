#pragma once

#include <string_view>

#include "common/status.h"
#include "multicast/driver/options.h"
#include "proto/multicast_settings.pb.h"

namespace strata::multicast {

// The options that a section of a settings file asks for. The section was filled by LoadSettings,
// which checks types and ranges with file and line; here is checked what concerns several settings
// together, and the key file is read. All errors are told at once, one line each, as
// "<file>: <section>.<key>: ...". `file` and `section` are for the errors only.
StatusOr<GroupOptions> ToGroupOptions(const v1::MulticastSettings& settings, std::string_view file,
                                      std::string_view section);

}  // namespace strata::multicast
