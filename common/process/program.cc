#include "common/process/program.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/version.h"
#include "common/waits/monotonic_waits.h"

namespace strata {
namespace {

struct CommandLine {
  std::string config;                            // Settings file.
  bool check = false;                            // Validate it and end.
  bool mode = false;                             // Be the other service.
  std::map<std::string, std::string> jobs = {};  // By their options.
};

// Why the service could not go on, told by any thread.
class Failure {
 public:
  void Set(const Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      status_ = status;
    }
    kill(getpid(), SIGTERM);  // The main thread waits for it.
  }
  Status Get() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  mutable absl::Mutex mutex_;
  Status status_ ABSL_GUARDED_BY(mutex_);
};

// False if the program is to end with `exit_code`: help or version was asked for, or the line is
// wrong (told on stderr).
bool Parse(int argc, const char* const* argv, const Program& program, CommandLine& line,
           int& exit_code) {
  CLI::App app(program.help, program.name);
  app.set_version_flag("--version", program.name + " " + kVersion);
  app.add_option("--config", line.config, "settings file")->required()->type_name("FILE");
  app.add_flag("--check", line.check, "validate the settings, and end");
  if (program.mode) app.add_flag(program.mode->flag, line.mode, program.mode->help);
  for (const Program::Job& job : program.jobs) {
    app.add_option(job.option, line.jobs[job.option], job.help)
        ->type_name(job.argument)
        ->excludes("--check");
  }
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error, std::cout, std::cerr) == 0 ? EXIT_SUCCESS : kExitWrongLine;
    return false;
  }
}

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// True for SIGHUP.
bool WaitForReload() {
  const sigset_t set = Watched();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal == SIGHUP;
}

int Fail(const Program& program, const Status& status) {
  std::cerr << program.name << ": " << MessageOf(status) << "\n";
  return EXIT_FAILURE;
}

int Check(const Program& program, const std::string& config) {
  const StatusOr<std::string> whose = program.check(config);
  if (!whose.ok()) return Fail(program, whose.status());
  std::cout << config << " is good: " << *whose << "\n";
  return EXIT_SUCCESS;
}

int Do(const Program& program, const Program::Job& job, const CommandLine& line) {
  const StatusOr<std::string> done = job.run(line.config, line.jobs.at(job.option));
  if (!done.ok()) return Fail(program, done.status());
  std::cout << *done << "\n";
  return EXIT_SUCCESS;
}

int Run(const Program& program, const std::string& config) {
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // Threads that are started from now on have it too.
  signal(SIGPIPE, SIG_IGN);
  const Logger log(program.component);
  Failure failure;
  auto service = program.start(config, [&failure](const Status& why) { failure.Set(why); });
  if (!service.ok()) return Fail(program, service.status());
  while (WaitForReload()) {
    const Status reloaded = (*service)->Reload();
    if (!reloaded.ok()) {
      log.Error("not everything was read again", {{"error", MessageOf(reloaded)}});
    }
  }
  log.Info("ending");
  service->reset();
  const Status why = failure.Get();
  return why.ok() ? EXIT_SUCCESS : Fail(program, why);
}

}  // namespace

int RunProgram(int argc, const char* const* argv, const Program& program) {
  UseMonotonicWaits();
  CommandLine line;
  int exit_code = EXIT_SUCCESS;
  if (!Parse(argc, argv, program, line, exit_code)) return exit_code;
  for (const Program::Job& job : program.jobs) {
    if (!line.jobs[job.option].empty()) return Do(program, job, line);
  }
  Program chosen = program;
  if (line.mode) {
    chosen.component = program.mode->component;
    chosen.check = program.mode->check;
    chosen.start = program.mode->start;
  }
  return line.check ? Check(chosen, line.config) : Run(chosen, line.config);
}

}  // namespace strata
