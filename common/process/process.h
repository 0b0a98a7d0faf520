#pragma once

#include <string>

// What all long-running programs have in common: their command line and their signals.
namespace strata {

struct ProcessOptions {
  std::string config;  // Settings file.
  bool check = false;  // Validate it and end.
};

// Reads --config FILE, --check, --version and --help. Gives false if the program is to end with
// `exit_code` at once: help or version was asked for, or the line is wrong (told on stderr).
bool ParseProcessOptions(int argc, const char* const* argv, const std::string& name,
                         const std::string& help, ProcessOptions& options, int& exit_code);

// Keeps SIGTERM, SIGINT and SIGHUP from this thread and those that it starts from now on, and
// ignores SIGPIPE. Before any thread is started.
void BlockSignals();

enum class ProcessSignal { kEnd, kReload };
// Waits for the next one of them.
ProcessSignal WaitForSignal();

}  // namespace strata
