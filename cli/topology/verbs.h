#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/terminal.h"

// strata topology: a federation's processes from one file. Nothing here talks to a manager.

namespace strata::cli {

// Tells all that is wrong with a topology, or its scopes. kFailed with faults; warnings are none.
ExitCode CheckTopology(Terminal& terminal, const std::string& file);

struct RenderTopologyOptions {
  std::string file;
  std::string folder;    // For what is written.
  bool force = false;    // Replaces files that differ.
  bool founded = false;  // All scopes stand: their founders join them from now on.
};
// Writes settings and certificates of every process of a topology without faults.
ExitCode RenderTopology(Terminal& terminal, const RenderTopologyOptions& options);

}  // namespace strata::cli
