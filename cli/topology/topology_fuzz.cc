#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>

#include "cli/topology/expand.h"
#include "cli/topology/plan_faults.h"
#include "cli/topology/rendering.h"
#include "cli/topology/topology.h"
#include "common/check.h"
#include "common/settings/settings.h"
#include "common/status.h"
#include "common/tls/identity.h"
#include "proto/service_engine_settings.pb.h"
#include "proto/service_manager_settings.pb.h"
#include "proto/witness_settings.pb.h"

// Whatever the file, planning ends with faults, or with settings that every program can read.

namespace strata::cli::topology {
namespace {

constexpr size_t kProcessesToRender = 100;

std::unique_ptr<google::protobuf::Message> SettingsFor(tls::Role role) {
  if (role == tls::Role::kManager) {
    return std::make_unique<manager::settings::v1::ServiceManagerSettings>();
  }
  if (role == tls::Role::kWitness) {
    return std::make_unique<manager::settings::v1::WitnessSettings>();
  }
  return std::make_unique<engine::settings::v1::ServiceEngineSettings>();
}

void CheckRendered(const Topology& topology) {
  const Places places{.folder = "/f", .data_folder = "/d"};
  const Rendering rendering = Render(topology, places, "/f");
  for (const PlannedScope& scope : topology.plan.scopes) {
    for (const PlannedProcess& process : scope.processes) {
      const std::string text = SettingsOf(topology, scope, process, places);
      const Status read = LoadSettings("f", text, SettingsFor(process.role).get());
      STRATA_CHECK(read.ok());
    }
  }
  STRATA_CHECK(rendering.certificates.size() > topology.plan.scopes.size());
}

void CheckText(std::string_view text) {
  Topology topology;
  if (!LoadSettings("fuzz.yaml", text, &topology.file).ok()) return;
  Findings findings;
  topology.plan = PlanOf(topology.file, findings);
  CheckPlan(topology.plan, findings);
  // What is said of the files that it names is another matter.
  for (auto& [name, scope] : *topology.file.mutable_scopes()) {
    if (!scope.policy().empty() && !topology.file.policies().contains(scope.policy())) return;
    if (scope.has_children()) scope.mutable_children()->clear_regions();
  }
  size_t processes = 0;
  for (const PlannedScope& scope : topology.plan.scopes) processes += scope.processes.size();
  if (findings.faults.empty() && processes <= kProcessesToRender) CheckRendered(topology);
}

}  // namespace
}  // namespace strata::cli::topology

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  strata::cli::topology::CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}
