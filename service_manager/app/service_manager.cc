// strata-sm: a Service Manager. docs/operator has the guide.
#include <cstdlib>
#include <memory>
#include <utility>

#include "common/process/program.h"
#include "service_manager/app/manager.h"
#include "service_manager/app/witness.h"
#include "service_manager/restore/restore.h"

namespace {

using namespace strata;  // Status and what all programs share

constexpr char kHelp[] =
    "A Service Manager: keeps the directory of a farm, registers its engines, and sends clients to "
    "the best copy.\n\nSIGHUP reads certificates, revocations and settings again, SIGTERM ends it.";

StatusOr<std::string> Check(const std::string& config) {
  STRATA_ASSIGN_OR_RETURN(const manager::app::Settings settings,
                          manager::app::LoadManagerSettings(config));
  STRATA_ASSIGN_OR_RETURN(const auto tls, tls::TlsStore::Open(settings.tls));
  return ToString(tls->Current()->own);
}

StatusOr<std::string> Restore(const std::string& config, const std::string& backup) {
  STRATA_ASSIGN_OR_RETURN(const manager::app::Settings settings,
                          manager::app::LoadManagerSettings(config));
  STRATA_ASSIGN_OR_RETURN(const auto tls, tls::TlsStore::Open(settings.tls));
  return manager::restore::Restore(
      {.backup = backup, .data_folder = settings.data_folder, .scope = tls->Current()->own.scope});
}

StatusOr<std::unique_ptr<Service>> Start(const std::string& config, const Program::Fail& fail) {
  STRATA_ASSIGN_OR_RETURN(const manager::app::Settings settings,
                          manager::app::LoadManagerSettings(config));
  STRATA_ASSIGN_OR_RETURN(auto manager, manager::app::Manager::Start(settings, fail));
  return std::unique_ptr<Service>(std::move(manager));
}

StatusOr<std::string> CheckWitness(const std::string& config) {
  STRATA_ASSIGN_OR_RETURN(const manager::app::WitnessOptions options,
                          manager::app::LoadWitnessSettings(config));
  STRATA_ASSIGN_OR_RETURN(const auto tls, tls::TlsStore::Open(options.tls));
  return ToString(tls->Current()->own);
}

StatusOr<std::unique_ptr<Service>> StartWitness(const std::string& config, Program::Fail fail) {
  STRATA_ASSIGN_OR_RETURN(const manager::app::WitnessOptions options,
                          manager::app::LoadWitnessSettings(config));
  STRATA_ASSIGN_OR_RETURN(auto witness, manager::app::Witness::Start(options, std::move(fail)));
  return std::unique_ptr<Service>(std::move(witness));
}

}  // namespace

int main(int argc, char** argv) {
  // gRPC tells of every broken handshake, and of names that nobody here looks at; what matters is
  // in our own log.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const Program::Mode witness = {"--witness", "be a witness: vote in the farm, and hold nothing",
                                 "witness", CheckWitness, StartWitness};
  const Program::Job restore{"--restore", "BACKUP",
                             "make the store from a backup, a folder or a tar, and end", Restore};
  return RunProgram(argc, argv, {"strata-sm", "manager", kHelp, Check, Start, witness, {restore}});
}
