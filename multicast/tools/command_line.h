#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "multicast/driver/key_file.h"
#include "multicast/driver/socket_set.h"
#include "multicast/wire/seal.h"

// What the command lines of both tools share.
namespace strata::multicast {

// Exit statuses.
inline constexpr int kExitWell = 0;
inline constexpr int kExitFindings = 1;  // It ran, and something is wrong with what it saw.
inline constexpr int kExitFailed = 2;    // It could not run: command line, file, interface.

struct NetworkFlags {
  std::string interface;
  std::string address;
  uint16_t port = 7450;
  std::string own_address;
};

// Adds --interface, --address, --port and --own-address.
void AddNetworkFlags(CLI::App& app, NetworkFlags& flags);
StatusOr<SocketSettings> ToSocketSettings(const NetworkFlags& flags);

// Fills `ring` from the key file at `path`; an empty path leaves it empty.
Status FillKeys(const std::string& path, KeyRing& ring);

// Runs CLI11's parser: nothing, or the status to exit with (after --help, or an error).
std::optional<int> Parse(CLI::App& app, int argc, char** argv);

// Writes "PROGRAM: MESSAGE" to standard error; returns kExitFailed.
int Fail(const CLI::App& app, const Status& status);

}  // namespace strata::multicast
