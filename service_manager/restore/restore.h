#pragma once

#include <string>

#include "common/status.h"

namespace strata::manager::restore {

struct RestoreOptions {
  std::string backup;       // Folder or tar.
  std::string data_folder;  // Of the manager; missing, or empty.
  std::string scope;        // Of the manager.
};

// Makes the store of a manager that is not running from a backup; gives a sentence for people. All
// of the backup is read and checked first, and the store is there whole or not at all.
// FailedPrecondition: a data folder with something in it, a backup of another scope or format;
// DataLoss: a damaged one; else what the system says. As root, what is written belongs to the owner
// of the data folder, as whom this process goes on.
StatusOr<std::string> Restore(const RestoreOptions& options);

}  // namespace strata::manager::restore
