#pragma once

#include <functional>
#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "common/status.h"

namespace strata::cli {

// Shows what `frame` gives, again and again until Ctrl-C or until nobody reads it: on a terminal in
// the place of the frame before, cut to its height. An error is the end at first, and for programs;
// later it is shown, and the display goes on. What the terminal shows at the end stays there.
ExitCode Watch(Terminal& terminal, const std::function<StatusOr<std::string>()>& frame);

}  // namespace strata::cli
