#pragma once

#include <string>
#include <vector>

#include "cli/manager_client.h"
#include "common/status.h"

namespace strata::cli {

// The end of a call in words for people. `message` is gRPC's where no manager answered, else the
// manager's own. `address`: of the manager that was asked.
Status ExplainCallError(StatusCode code, const std::string& message, const std::string& address,
                        const ManagerOptions& options);

// Whether gRPC says that it had a connection, and lost it before the answer came.
bool MayHaveArrived(const std::string& message);

// What to say when none of several managers could take a call: each with its reason.
struct ManagerFailure {
  std::string address;
  Status status;
};
Status ExplainAllFailed(const std::vector<ManagerFailure>& failures);

}  // namespace strata::cli
