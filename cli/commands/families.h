#pragma once

#include "cli/commands/command.h"

// The families of verbs, a file each: what can be typed, what --help says of it, and what runs
// then. Their order in --help is that in which they are added.

namespace strata::cli {

void AddFarmCommands(Command& root);
void AddContentCommands(Command& root);
void AddEngineCommands(Command& root);
void AddManagerCommands(Command& root);
void AddTreeCommands(Command& root);
void AddSiteCommands(Command& root);
void AddPurgeCommands(Command& root);
void AddRecordCommands(Command& root);
void AddBackupCommands(Command& root);
void AddPkiCommands(Command& root);
void AddTopologyCommands(Command& root);
void AddDiagnosisCommands(Command& root);
void AddCompletionCommands(Command& root);

}  // namespace strata::cli
