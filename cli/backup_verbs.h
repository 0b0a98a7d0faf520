#pragma once

#include <string>

#include "cli/exit_code.h"
#include "cli/manager_client.h"
#include "cli/terminal.h"

// Backups of a manager's intent (docs/protocols/backup.md). Each verb prints its answer, for people
// or as JSON, or one sentence on what failed, and gives the exit code.

namespace strata::cli {

// Writes one to a folder, or to a tar by its name's end. Overwrites nothing.
ExitCode CreateBackup(Terminal& terminal, ManagerClient& manager, const std::string& to);

// Says what is in one, or which part of it is damaged. Needs no manager.
ExitCode VerifyBackup(Terminal& terminal, const std::string& path);

struct RestoreBackupOptions {
  std::string backup;
  std::string config;   // Of the manager; empty: /etc/strata/manager.yaml.
  std::string program;  // strata-sm; empty: that beside this program, or else in $PATH.
};
// Has strata-sm make the store of a manager that does not run.
ExitCode RestoreBackup(Terminal& terminal, const RestoreBackupOptions& options);

}  // namespace strata::cli
