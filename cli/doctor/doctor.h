#pragma once

#include <string>
#include <vector>

#include "cli/doctor/judge.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"
#include "common/status.h"

namespace strata::cli::doctor {

inline constexpr size_t kSubjectsMax = 16;

struct Report {
  std::string path;  // Of the settings.
  Kind kind = Kind::kCommand;
  std::vector<Finding> findings;
};

// Looks at what one settings file describes; some seconds.
StatusOr<Report> Examine(const std::string& path);

// Lines for people, or an object a finding.
std::string Render(const Report& report, const Terminal& terminal);

// Examines them all, and prints it. kFailed: something keeps it from working; kUsage: a file cannot
// be read. Warnings alone are kOk.
ExitCode RunDoctor(Terminal& terminal, const std::vector<std::string>& paths);

}  // namespace strata::cli::doctor
