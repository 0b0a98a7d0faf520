#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/manager_client.h"
#include "common/status.h"
#include "common/time.h"

namespace strata::cli {

// What the command line says of the connection; what it does not say comes from the settings file.
struct ConnectionFlags {
  std::string config;
  std::vector<std::string> managers;  // Each may be a list with commas.
  std::optional<Duration> timeout{};
};

// A variable of the environment, or nothing.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// Which settings file counts; FailedPrecondition says where one was looked for.
StatusOr<std::string> FindSettingsFile(const ConnectionFlags& flags,
                                       const Environment& environment);

// Those of the services on this machine and the one above, as far as they are there; --config alone
// if it is given.
std::vector<std::string> SettingsHere(const ConnectionFlags& flags, const Environment& environment);

// The settings file is the first of: --config, $STRATA_CONFIG, ~/.config/strata/cli.yaml (or below
// $XDG_CONFIG_HOME), /etc/strata/cli.yaml. Files that it names are looked for from its own folder.
// FailedPrecondition says what is missing and how to give it.
StatusOr<ManagerOptions> Configure(const ConnectionFlags& flags, const Environment& environment);

}  // namespace strata::cli
