// strata-se: a Service Engine with its nginx. docs/operator has the guide.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>

#include "common/log.h"
#include "common/process/process.h"
#include "service_engine/app/engine.h"

namespace {

using namespace strata;  // Status and what all programs share

constexpr char kHelp[] =
    "A Service Engine: registers at its farm's manager, runs an nginx, and tells the farm what it "
    "holds and how it is.\n\nSIGHUP reads certificates and settings again, "
    "SIGTERM ends it and its nginx.";

int Fail(const Status& status) {
  std::cerr << "strata-se: " << MessageOf(status) << "\n";
  return EXIT_FAILURE;
}

int Run(const engine::app::Settings& settings) {
  std::mutex mutex;
  Status failure;
  auto engine = engine::app::Engine::Start(settings, [&](const Status& status) {
    {
      std::lock_guard lock(mutex);
      failure = status;
    }
    kill(getpid(), SIGTERM);  // The main thread waits for it.
  });
  if (!engine.ok()) return Fail(engine.status());
  while (WaitForSignal() == ProcessSignal::kReload) {
    const Status reloaded = (*engine)->Reload();
    if (!reloaded.ok()) {
      Logger("engine").Error("not all was read again", {{"error", MessageOf(reloaded)}});
    }
  }
  Logger("engine").Info("ending");
  engine->reset();
  std::lock_guard lock(mutex);
  return failure.ok() ? EXIT_SUCCESS : Fail(failure);
}

}  // namespace

int main(int argc, char** argv) {
  ProcessOptions options;
  int exit_code = 0;
  if (!ParseProcessOptions(argc, argv, "strata-se", kHelp, options, exit_code)) return exit_code;
  const auto settings = engine::app::LoadEngineSettings(options.config);
  if (!settings.ok()) return Fail(settings.status());
  if (options.check) {
    const auto tls = tls::TlsStore::Open(settings->tls);
    if (!tls.ok()) return Fail(tls.status());
    std::cout << options.config << " is good: " << ToString((*tls)->Current()->own) << "\n";
    return EXIT_SUCCESS;
  }
  // gRPC tells of every broken handshake, and of names that nobody here looks at; what matters is
  // in our own log.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  BlockSignals();
  return Run(*settings);
}
