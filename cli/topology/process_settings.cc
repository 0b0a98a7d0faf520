#include "cli/topology/process_settings.h"

#include <cstdint>
#include <filesystem>

#include "cli/text_width.h"
#include "common/settings/settings_text.h"
#include "proto/cli_settings.pb.h"
#include "proto/process_settings.pb.h"
#include "proto/service_engine_settings.pb.h"
#include "proto/service_manager_settings.pb.h"
#include "proto/witness_settings.pb.h"

namespace strata::cli::topology {
namespace {

using engine::settings::v1::ServiceEngineSettings;
using manager::settings::v1::ServiceManagerSettings;
using manager::settings::v1::WitnessSettings;

// What the settings of all processes have.
struct Context {
  const Topology& topology;
  const PlannedScope& scope;
  const PlannedProcess& process;
  const Places& places;

  const v1::TopologyFile& file() const { return topology.file; }
  const v1::ScopeFile& scope_file() const { return file().scopes().at(scope.manager.scope); }
  std::string InFolder(const char* name) const { return FolderOf(places, process) + "/" + name; }
};

template <class Settings>
void FillCommon(const Context& context, Settings& settings) {
  FillSettingsDefaults(&settings);
  settings.set_data_folder(DataFolderOf(context.places, context.process));
  auto& tls = *settings.mutable_tls();
  tls.set_authority(context.InFolder("ca.pem"));
  tls.set_certificate(context.InFolder("certificate.pem"));
  tls.set_key(context.InFolder("key.pem"));
  tls.set_revoked(context.InFolder("crl.pem"));
  auto& lan = *settings.mutable_lan();
  lan.set_interface(context.process.interface);
  lan.set_unicast_address(ToString(context.process.addresses.front()));
  lan.set_loopback(context.process.shares_machine);
  settings.set_status_listen(ToString(context.process.status));
  settings.set_log_level(context.file().log_level());
}

// RPC of the managers of a scope, in the order of the file.
template <class Texts>
void AddManagers(const PlannedScope& scope, const PlannedProcess* but, Texts& texts) {
  for (const PlannedProcess* manager : ProcessesOf(scope, tls::Role::kManager)) {
    if (manager != but) *texts.Add() = ToString(manager->rpc);
  }
}

bool Founds(const Context& context) {
  return ProcessesOf(context.scope, tls::Role::kManager).front() == &context.process;
}

void FillGroup(const Context& context, manager::settings::v1::GroupSettings& group) {
  const v1::GroupFile& own = context.scope_file().group();
  group.set_address(ToString(context.scope.group));
  group.set_port(context.scope.group_port);
  group.set_encrypted(own.encrypted());
  if (own.has_detection_timeout()) {
    group.set_detection_timeout(own.detection_timeout());
  } else if (context.file().multicast().has_detection_timeout()) {
    group.set_detection_timeout(context.file().multicast().detection_timeout());
  }
}

void FillHttp(const Context& context, manager::settings::v1::HttpSettings& http) {
  if (context.scope_file().has_http()) {
    http = context.scope_file().http();
  } else if (context.file().has_http()) {
    http = context.file().http();
  }
  http.clear_listen();
  for (const Endpoint& endpoint : context.process.http) http.add_listen(ToString(endpoint));
  if (context.process.http.empty()) http.clear_floating();
}

void FillTree(const Context& context, ServiceManagerSettings& settings) {
  settings.set_level(context.scope.manager.level);
  const PlannedScope* parent = FindScope(context.topology.plan, context.scope.parent);
  if (parent != nullptr) {
    AddManagers(*parent, nullptr, *settings.mutable_parent()->mutable_managers());
  }
  const v1::ScopeFile& file = context.scope_file();
  if (!file.policy().empty()) {
    *settings.mutable_forwarding() = context.file().policies().at(file.policy());
  }
  if (!file.has_children()) return;
  *settings.mutable_children() = file.children();
  if (!file.children().regions().empty()) {
    settings.mutable_children()->set_regions(context.InFolder(kRegionsFile));
  }
}

std::string ManagerText(const Context& context) {
  ServiceManagerSettings settings;
  FillCommon(context, settings);
  FillGroup(context, *settings.mutable_group());
  FillHttp(context, *settings.mutable_http());
  FillTree(context, settings);
  settings.set_rpc_listen(ToString(context.process.rpc));
  if (context.places.founded || !Founds(context)) {
    AddManagers(context.scope, &context.process, *settings.mutable_backup_of());
  }
  return SettingsText(settings);
}

std::string WitnessText(const Context& context) {
  WitnessSettings settings;
  FillCommon(context, settings);
  AddManagers(context.scope, nullptr, *settings.mutable_managers());
  return SettingsText(settings);
}

std::string EngineText(const Context& context) {
  ServiceEngineSettings settings;
  FillCommon(context, settings);
  AddManagers(context.scope, nullptr, *settings.mutable_managers());
  for (const Endpoint& endpoint : context.process.http) settings.add_clients(ToString(endpoint));
  for (const Endpoint& endpoint : context.process.peers) settings.add_peers(ToString(endpoint));
  const v1::ScopeFile& scope = context.scope_file();
  const v1::ProcessFile& own = scope.engines(static_cast<int>(context.process.item));
  if (own.has_nginx() || scope.has_nginx() || context.file().has_nginx()) {
    *settings.mutable_nginx() = own.has_nginx()     ? own.nginx()
                                : scope.has_nginx() ? scope.nginx()
                                                    : context.file().nginx();
  }
  if (own.has_capacity() || scope.has_capacity() || context.file().has_capacity()) {
    *settings.mutable_capacity() = own.has_capacity()     ? own.capacity()
                                   : scope.has_capacity() ? scope.capacity()
                                                          : context.file().capacity();
  }
  settings.set_serve_alone(own.serve_alone());
  settings.set_light(own.light());
  return SettingsText(settings);
}

const char* NounOf(tls::Role role) {
  if (role == tls::Role::kManager) return "Service Manager";
  return role == tls::Role::kWitness ? "Witness" : "Service Engine";
}

std::string Head(const Context& context) {
  const std::string source =
      Printable(std::filesystem::path(context.topology.path).filename().string());
  std::string head = "# " + std::string(NounOf(context.process.role)) + " " + context.process.name +
                     " of " + manager::federation::ToString(context.scope.manager) +
                     ", on machine " + context.process.machine + ".\n" +
                     "# By \"strata topology render\" from " + source +
                     ": change it there, and render again.\n";
  const size_t managers = ProcessesOf(context.scope, tls::Role::kManager).size();
  if (managers > 1 && Founds(context) && !context.places.founded) {
    head +=
        "# It founds its scope. Once that stands, render with --founded: should its disk be "
        "lost, it joins\n# the other managers then.\n";
  }
  return head;
}

}  // namespace

std::string FolderOf(const Places& places, const PlannedProcess& process) {
  return places.folder + "/" + kProcessesFolder + "/" + FileNameOf(process);
}

std::string DataFolderOf(const Places& places, const PlannedProcess& process) {
  return places.data_folder + "/" + FileNameOf(process);
}

std::string SettingsOf(const Topology& topology, const PlannedScope& scope,
                       const PlannedProcess& process, const Places& places) {
  const Context context{topology, scope, process, places};
  if (process.role == tls::Role::kManager) return Head(context) + ManagerText(context);
  if (process.role == tls::Role::kWitness) return Head(context) + WitnessText(context);
  return Head(context) + EngineText(context);
}

std::string CommandSettingsOf(const PlannedScope& scope, const std::string& top) {
  cli::v1::CliSettings settings;
  FillSettingsDefaults(&settings);
  AddManagers(scope, nullptr, *settings.mutable_managers());
  const std::string folder = std::string("../") + kOperatorsFolder + "/" + FileNameOf(top) + "/";
  settings.set_ca(folder + "ca.pem");
  settings.set_certificate(folder + "certificate.pem");
  settings.set_key(folder + "key.pem");
  settings.set_revocations(std::string("../") + kAuthorityFolder + "/crl.pem");
  return "# The command for " + manager::federation::ToString(scope.manager) +
         ": strata --config " + kCommandFolder + "/" + FileNameOf(scope.manager.scope) + ".yaml\n" +
         SettingsText(settings);
}

}  // namespace strata::cli::topology
