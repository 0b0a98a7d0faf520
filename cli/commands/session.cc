#include "cli/commands/session.h"

#include "common/quantity.h"

namespace strata::cli {

StatusOr<std::unique_ptr<ManagerClient>> Session::OpenManager(const std::string& address) {
  if (!timeout.empty()) {
    STRATA_ASSIGN_OR_RETURN(flags.timeout, ParseWait("--timeout", timeout));
  }
  STRATA_ASSIGN_OR_RETURN(ManagerOptions options, Configure(flags, environment));
  if (!address.empty()) options.managers = {address};
  return ManagerClient::Open(options);
}

std::vector<std::string> Session::SettingsOr(const std::vector<std::string>& files) const {
  return files.empty() ? SettingsHere(flags, environment) : files;
}

StatusOr<Duration> ParseWait(const char* option, const std::string& text) {
  const StatusOr<Duration> wait = ParseDuration(text);
  if (!wait.ok()) return InvalidArgument("%s: %s", option, MessageOf(wait.status()).c_str());
  if (*wait > Duration::zero()) return *wait;
  return InvalidArgument("%s: %s is no time to wait", option, text.c_str());
}

}  // namespace strata::cli
