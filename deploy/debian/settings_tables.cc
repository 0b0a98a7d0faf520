// Writes the reference tables of all settings files, each behind a line "# NAME", for man pages.
#include <cstdlib>
#include <iostream>

#include "common/settings/settings_reference.h"
#include "proto/cli_settings.pb.h"
#include "proto/service_engine_settings.pb.h"
#include "proto/service_manager_settings.pb.h"
#include "proto/site.pb.h"
#include "proto/topology.pb.h"
#include "proto/witness_settings.pb.h"

namespace {

void Print(const char* name, const google::protobuf::Descriptor* type) {
  std::cout << "# " << name << "\n" << strata::RenderSettingsReference(*type);
}

}  // namespace

int main() {
  Print("strata-manager.yaml", strata::manager::settings::v1::ServiceManagerSettings::descriptor());
  Print("strata-witness.yaml", strata::manager::settings::v1::WitnessSettings::descriptor());
  Print("strata-engine.yaml", strata::engine::settings::v1::ServiceEngineSettings::descriptor());
  Print("strata-cli.yaml", strata::cli::v1::CliSettings::descriptor());
  Print("strata-site", strata::site::v1::SiteFile::descriptor());
  Print("strata-topology", strata::cli::topology::v1::TopologyFile::descriptor());
  return EXIT_SUCCESS;
}
