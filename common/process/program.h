#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

// What all long-running programs have in common: command line, signals, exit statuses.
namespace strata {

// What a program runs until it is told to end: its destructor ends it, within seconds.
class Service {
 public:
  virtual ~Service() = default;

  // SIGHUP: reads again what can change while it runs. An error says what was not, and why.
  virtual Status Reload() = 0;
};

struct Program {
  // --check: says whose settings these are, or all that is wrong with them; changes nothing.
  using CheckSettings = std::function<StatusOr<std::string>(const std::string& config)>;

  // Starts the service. `fail` may be called once, by any thread, when it cannot go on: the program
  // ends with that error.
  using Fail = std::function<void(const Status&)>;
  using StartService =
      std::function<StatusOr<std::unique_ptr<Service>>(const std::string& config, Fail fail)>;

  // Another service that the program is by a flag, with settings of its own.
  struct Mode {
    std::string flag;  // "--witness"
    std::string help;
    std::string component;
    CheckSettings check;
    StartService start;
  };

  std::string name;       // "strata-sm"
  std::string component;  // Of its log lines.
  std::string help;
  CheckSettings check;
  StartService start;
  std::optional<Mode> mode = {};

  // What it can do instead of running, with one argument: says what was done.
  struct Job {
    std::string option;    // "--restore"
    std::string argument;  // How help calls it: "BACKUP"
    std::string help;
    std::function<StatusOr<std::string>(const std::string& config, const std::string& argument)>
        run;
  };
  std::vector<Job> jobs = {};
};

// Exit statuses of RunProgram: 0 ended as it was told to, 1 failed, 2 wrong command line.
inline constexpr int kExitWrongLine = 2;

// The whole of main: --config FILE, --check, --version, --help, jobs; SIGTERM and SIGINT end the
// service, SIGHUP reloads it; SIGPIPE is ignored. Errors go to stderr in one line. Signals are
// taken by this thread only: call it before there are others.
int RunProgram(int argc, const char* const* argv, const Program& program);

}  // namespace strata
