#include "cli/configuration.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/settings/settings.h"
#include "proto/cli_settings.pb.h"

namespace strata::cli {
namespace {

constexpr const char* kSystemFile = "/etc/strata/cli.yaml";
constexpr const char* kServiceFiles[] = {"/etc/strata/manager.yaml", "/etc/strata/engine.yaml",
                                         "/etc/strata/witness.yaml"};

std::vector<std::string> DefaultFiles(const Environment& environment) {
  std::vector<std::string> files;
  if (const auto folder = environment("XDG_CONFIG_HOME"); folder && !folder->empty()) {
    files.push_back(*folder + "/strata/cli.yaml");
  } else if (const auto home = environment("HOME"); home && !home->empty()) {
    files.push_back(*home + "/.config/strata/cli.yaml");
  }
  files.emplace_back(kSystemFile);
  return files;
}

std::string Resolve(const std::string& file, const std::string& settings_file) {
  if (file.empty() || file.front() == '/') return file;
  return (std::filesystem::path(settings_file).parent_path() / file).string();
}

// The parts of lists with commas.
void AddSplit(const std::string& list, std::vector<std::string>& parts) {
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    std::string part = list.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    const bool known = std::find(parts.begin(), parts.end(), part) != parts.end();
    if (!part.empty() && !known) parts.push_back(std::move(part));
    begin = end + 1;
  }
}

std::vector<std::string> ManagersOf(const ConnectionFlags& flags, const v1::CliSettings& settings) {
  std::vector<std::string> managers;
  for (const std::string& list : flags.managers) AddSplit(list, managers);
  if (!managers.empty()) return managers;
  AddSplit(settings.manager(), managers);
  for (const std::string& list : settings.managers()) AddSplit(list, managers);
  return managers;
}

Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && colon > 0 && colon + 1 < address.size() &&
                        address.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  const bool is_bare_v6 = address.front() != '[' && address.find(':') != colon;
  if (has_port && !is_bare_v6) return Ok();
  return InvalidArgument(
      "\"%s\" is no address of a manager: HOST:PORT is, such as 192.0.2.1:7400 or "
      "[2001:db8::1]:7400",
      address.c_str());
}

Status CheckNamed(const std::string& value, const char* key, const std::string& file) {
  return value.empty() ? FailedPrecondition("%s: %s is missing", file.c_str(), key) : Ok();
}

}  // namespace

StatusOr<std::string> FindSettingsFile(const ConnectionFlags& flags,
                                       const Environment& environment) {
  if (!flags.config.empty()) return flags.config;
  if (const auto named = environment("STRATA_CONFIG"); named && !named->empty()) return *named;
  const std::vector<std::string> files = DefaultFiles(environment);
  for (const std::string& file : files) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return file;
  }
  std::string looked;
  for (const std::string& file : files) looked += (looked.empty() ? "" : " or ") + file;
  return FailedPrecondition(
      "no settings file: write one to %s (keys: manager, ca, certificate, key), or name one with "
      "--config",
      looked.c_str());
}

std::vector<std::string> SettingsHere(const ConnectionFlags& flags,
                                      const Environment& environment) {
  if (!flags.config.empty()) return {flags.config};
  std::vector<std::string> files;
  for (const char* file : kServiceFiles) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) files.emplace_back(file);
  }
  const StatusOr<std::string> own = FindSettingsFile(flags, environment);
  if (own.ok()) files.push_back(*own);
  return files;
}

StatusOr<ManagerOptions> Configure(const ConnectionFlags& flags, const Environment& environment) {
  STRATA_ASSIGN_OR_RETURN(const std::string file, FindSettingsFile(flags, environment));
  v1::CliSettings settings;
  STRATA_RETURN_IF_ERROR(LoadSettingsFile(file, &settings));
  ManagerOptions options;
  options.managers = ManagersOf(flags, settings);
  if (options.managers.empty()) {
    return FailedPrecondition("which manager? Give it as --manager HOST:PORT, or as manager in %s",
                              file.c_str());
  }
  if (options.managers.size() > kManagersMax) {
    return InvalidArgument("%zu managers: at most %zu can be asked", options.managers.size(),
                           kManagersMax);
  }
  for (const std::string& manager : options.managers) {
    STRATA_RETURN_IF_ERROR(CheckAddress(manager));
  }
  STRATA_RETURN_IF_ERROR(CheckNamed(settings.ca(), "ca", file));
  STRATA_RETURN_IF_ERROR(CheckNamed(settings.certificate(), "certificate", file));
  STRATA_RETURN_IF_ERROR(CheckNamed(settings.key(), "key", file));
  options.paths = {.authority = Resolve(settings.ca(), file),
                   .certificate = Resolve(settings.certificate(), file),
                   .key = Resolve(settings.key(), file),
                   .revocations = Resolve(settings.revocations(), file)};
  options.timeout = flags.timeout.value_or(Duration(settings.timeout()));
  return options;
}

}  // namespace strata::cli
