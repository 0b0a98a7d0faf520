#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/manager_client.h"
#include "cli/terminal.h"
#include "common/status.h"

namespace strata::cli::bundle {

struct BundleOptions {
  std::string out;                    // A .tar.gz; empty: a name of its own in this folder.
  std::vector<std::string> settings;  // Files of the services and of the command.
  // Nothing to ask with: why.
  std::function<StatusOr<std::unique_ptr<ManagerClient>>()> open_manager;
};

// Writes one file with what a report of a mistake needs, and says which. What is not to be had is
// named in its index; it fails only if the file cannot be written.
ExitCode MakeBundle(Terminal& terminal, const BundleOptions& options);

}  // namespace strata::cli::bundle
