#pragma once

#include <string>
#include <vector>

#include "cli/configuration.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace strata::cli {

// The whole command but for its process: what stands behind "strata" on the command line, where its
// answers go, and the environment.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, Terminal& terminal,
                        const Environment& environment);

}  // namespace strata::cli
