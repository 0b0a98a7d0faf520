#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/configuration.h"
#include "cli/manager_client.h"
#include "cli/terminal.h"
#include "common/status.h"

namespace strata::cli {

// One run of the command: where its answers go, and what the command line says for every verb.
// Filled by the command line before a verb runs.
struct Session {
  Terminal& terminal;
  const Environment& environment;
  ConnectionFlags flags{};
  std::string timeout{};  // As it was typed; empty: the settings'.

  // One of those that are configured; or the one that is named. InvalidArgument and
  // FailedPrecondition say what is wrong with the command line or the settings.
  StatusOr<std::unique_ptr<ManagerClient>> OpenManager(const std::string& address = "");

  // `files`, or else those of this machine (SettingsHere).
  std::vector<std::string> SettingsOr(const std::vector<std::string>& files) const;
};

// A time to wait, from what was typed behind `option`; InvalidArgument names it.
StatusOr<Duration> ParseWait(const char* option, const std::string& text);

}  // namespace strata::cli
