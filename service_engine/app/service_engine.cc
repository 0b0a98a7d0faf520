// strata-se: a Service Engine with its nginx. docs/operator has the guide.
#include <cstdlib>
#include <memory>
#include <utility>

#include "common/process/program.h"
#include "service_engine/app/engine.h"

namespace {

using namespace strata;  // Status and what all programs share

constexpr char kHelp[] =
    "A Service Engine: registers at its farm's manager, runs an nginx, and tells the farm what it "
    "holds and how it is.\n\nSIGHUP reads certificates and settings again, "
    "SIGTERM ends it and its nginx.";

class EngineService final : public Service {
 public:
  explicit EngineService(std::unique_ptr<engine::app::Engine> engine)
      : engine_(std::move(engine)) {}

  Status Reload() override { return engine_->Reload(); }

 private:
  const std::unique_ptr<engine::app::Engine> engine_;
};

StatusOr<std::string> Check(const std::string& config) {
  STRATA_ASSIGN_OR_RETURN(const engine::app::Settings settings,
                          engine::app::LoadEngineSettings(config));
  STRATA_ASSIGN_OR_RETURN(const auto tls, tls::TlsStore::Open(settings.tls));
  return ToString(tls->Current()->own);
}

StatusOr<std::unique_ptr<Service>> Start(const std::string& config, Program::Fail fail) {
  STRATA_ASSIGN_OR_RETURN(const engine::app::Settings settings,
                          engine::app::LoadEngineSettings(config));
  STRATA_ASSIGN_OR_RETURN(auto engine, engine::app::Engine::Start(settings, std::move(fail)));
  return std::unique_ptr<Service>(std::make_unique<EngineService>(std::move(engine)));
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC tells of every broken handshake, and of names that nobody here looks at; what matters is
  // in our own log.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  return RunProgram(argc, argv, {"strata-se", "engine", kHelp, Check, Start});
}
