#pragma once

#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "common/status.h"

namespace strata::cli {

// Says on stderr what failed, in one sentence, and gives the exit code for it.
ExitCode Fail(Terminal& terminal, const Status& status);

}  // namespace strata::cli
