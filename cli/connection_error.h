#pragma once

#include <string>

#include "cli/manager_client.h"
#include "common/status.h"

namespace strata::cli {

// The end of a call in words for people. `message` is gRPC's where no manager answered, else the
// manager's own.
Status ExplainCallError(StatusCode code, const std::string& message, const ManagerOptions& options);

}  // namespace strata::cli
