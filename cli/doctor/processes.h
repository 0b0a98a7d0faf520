#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address.h"

// Who runs on this machine, as /proc has it.

namespace strata::cli::doctor {

// The process that was started with `--config` and this file.
std::optional<pid_t> FindService(const std::string& settings_path);

// Whether `pid` is `ancestor`, or was started by it, or by who was.
bool IsBelow(pid_t pid, pid_t ancestor);

// "nginx (pid 812)"
std::string Describe(pid_t pid);

struct Listener {
  Endpoint endpoint;
  uint64_t inode = 0;
};
// Lines of /proc/net/tcp or tcp6 that listen.
std::vector<Listener> ParseListeners(const std::string& text);

// Who listens at that TCP endpoint, or at its port on all addresses.
std::optional<pid_t> HolderOf(const Endpoint& endpoint);

// A number of /proc/PID/limits, such as "Max open files": the soft one. Nothing: unlimited, or no
// such line.
std::optional<uint64_t> ParseLimit(const std::string& limits, const std::string& name);

}  // namespace strata::cli::doctor
