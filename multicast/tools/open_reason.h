#pragma once

#include <string_view>

#include "multicast/wire/seal.h"

namespace strata::multicast {

// The name of the reason, as in docs/protocols/multicast.md, section 14.
std::string_view ReasonOf(OpenError error);

}  // namespace strata::multicast
