// strata-sm: a Service Manager. docs/operator has the guide.
#include <cstdlib>
#include <iostream>
#include <memory>

#include "common/log.h"
#include "common/process/process.h"
#include "service_manager/app/manager.h"

namespace {

using namespace strata;  // Status and what all programs share

constexpr char kHelp[] =
    "A Service Manager: keeps the directory of a farm, registers its engines, and sends clients to "
    "the best copy.\n\nSIGHUP reads certificates and revocations again, SIGTERM ends it.";

int Fail(const Status& status) {
  std::cerr << "strata-sm: " << MessageOf(status) << "\n";
  return EXIT_FAILURE;
}

int Run(const manager::app::Settings& settings) {
  auto manager = manager::app::Manager::Start(settings);
  if (!manager.ok()) return Fail(manager.status());
  while (WaitForSignal() == ProcessSignal::kReload) {
    const Status reloaded = (*manager)->Reload();
    if (!reloaded.ok()) {
      Logger("manager").Error("nothing was read again", {{"error", MessageOf(reloaded)}});
    }
  }
  Logger("manager").Info("ending");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  ProcessOptions options;
  int exit_code = 0;
  if (!ParseProcessOptions(argc, argv, "strata-sm", kHelp, options, exit_code)) return exit_code;
  const auto settings = manager::app::LoadManagerSettings(options.config);
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
