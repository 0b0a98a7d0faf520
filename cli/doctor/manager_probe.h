#pragma once

#include <string>
#include <vector>

#include "cli/doctor/facts.h"
#include "common/time.h"
#include "common/tls/tls_files.h"

namespace strata::cli::doctor {

inline constexpr size_t kManagersProbedMax = 16;

// Calls each manager with this certificate: whether it answers, and what its clock says. What is
// asked changes nothing there. InvalidArgument and the like, of a certificate that is no good, are
// the problem of each.
std::vector<ManagerFacts> ProbeManagers(const std::vector<std::string>& managers,
                                        const tls::TlsPaths& paths, Kind kind, Duration patience);

}  // namespace strata::cli::doctor
