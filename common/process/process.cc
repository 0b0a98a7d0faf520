#include "common/process/process.h"

#include <pthread.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "common/version.h"

namespace strata {
namespace {

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

bool ParseProcessOptions(int argc, const char* const* argv, const std::string& name,
                         const std::string& help, ProcessOptions& options, int& exit_code) {
  CLI::App app(help, name);
  app.set_version_flag("--version", name + " " + kVersion);
  app.add_option("--config", options.config, "settings file")->required()->type_name("FILE");
  app.add_flag("--check", options.check, "validate the settings, and end");
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
    return false;
  }
}

void BlockSignals() {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

ProcessSignal WaitForSignal() {
  const sigset_t set = Watched();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal == SIGHUP ? ProcessSignal::kReload : ProcessSignal::kEnd;
}

}  // namespace strata
