#include "cli/topology/rendering.h"

#include <filesystem>
#include <set>

#include "cli/json.h"
#include "cli/pki/index.h"

namespace strata::cli::topology {
namespace {

class Renderer {
 public:
  Renderer(const Topology& topology, const Places& places, std::string local)
      : topology_(topology), places_(places), local_(std::move(local)) {}

  Rendering Run() {
    rendering_.summary.set_folder(local_);
    std::set<std::string> tops;
    for (const PlannedScope& scope : topology_.plan.scopes) {
      const std::string top = TopOf(scope.manager.scope);
      if (tops.insert(top).second) AddOperator(top);
      AddScope(scope, top);
      for (const PlannedProcess& process : scope.processes) AddProcess(scope, process);
    }
    rendering_.authority_scope = tops.size() == 1 ? *tops.begin() : std::string(kEveryScope);
    rendering_.files.push_back({kSummaryFile, JsonOf(rendering_.summary), true});
    rendering_.files.push_back({kStartOrderFile, StartOrder(), true});
    return std::move(rendering_);
  }

 private:
  void AddFile(const std::string& path, const std::string& content) {
    rendering_.files.push_back({path, content});
  }

  // The outermost scope of the plan around that one, or itself: an operator's certificate is good
  // for all below.
  std::string TopOf(std::string scope) const {
    for (std::string around = scope; !around.empty(); around = ScopeAround(topology_.plan, scope)) {
      scope = around;
    }
    return scope;
  }

  void AddOperator(const std::string& top) {
    NeededCertificate needed;
    needed.identity.role = tls::Role::kOperator;
    needed.identity.scope = top;
    needed.identity.name = kOperatorName;
    needed.folder = std::string(kOperatorsFolder) + "/" + FileNameOf(top);
    rendering_.certificates.push_back(needed);
  }

  void AddScope(const PlannedScope& scope, const std::string& top) {
    const std::string& path = scope.manager.scope;
    const std::string settings = std::string(kCommandFolder) + "/" + FileNameOf(path) + ".yaml";
    AddFile(settings, CommandSettingsOf(scope, top));
    v1::RenderedScope& told = *rendering_.summary.add_scopes();
    told.set_scope(path);
    told.set_level(scope.manager.level);
    told.set_parent(scope.parent);
    told.set_command_settings(local_ + "/" + settings);
    for (const PlannedProcess* manager : ProcessesOf(scope, tls::Role::kManager)) {
      told.add_managers(NameOf(*manager));
    }
    for (const std::string& file : topology_.file.scopes().at(path).sites()) {
      std::error_code ignored;
      told.add_sites(std::filesystem::absolute(PathFrom(topology_.path, file), ignored)
                         .lexically_normal()
                         .string());
    }
  }

  void AddProcess(const PlannedScope& scope, const PlannedProcess& process) {
    NeededCertificate needed;
    needed.identity.role = process.role;
    needed.identity.scope = process.scope;
    needed.identity.name = process.name;
    needed.folder = std::string(kProcessesFolder) + "/" + FileNameOf(process);
    needed.of_process = true;
    AddFile(needed.folder + "/" + kSettingsFile, SettingsOf(topology_, scope, process, places_));
    const std::string& regions = topology_.file.scopes().at(process.scope).children().regions();
    if (process.role == tls::Role::kManager && !regions.empty()) {
      AddFile(needed.folder + "/" + kRegionsFile, topology_.regions.at(regions));
    }
    rendering_.certificates.push_back(needed);
    Tell(process, *rendering_.summary.add_processes());
  }

  void Tell(const PlannedProcess& process, v1::RenderedProcess& told) const {
    const bool is_engine = process.role == tls::Role::kEngine;
    told.set_name(NameOf(process));
    told.set_role(ToString(process.role));
    told.set_scope(process.scope);
    told.set_machine(process.machine);
    told.set_program(is_engine ? "strata-se" : "strata-sm");
    told.set_settings(FolderOf(places_, process) + "/" + kSettingsFile);
    if (process.role == tls::Role::kWitness) told.add_arguments("--witness");
    told.add_arguments("--config");
    told.add_arguments(told.settings());
    told.set_data_folder(DataFolderOf(places_, process));
    told.set_status(ToString(process.status));
    if (process.role == tls::Role::kManager) told.set_rpc(ToString(process.rpc));
    for (const Endpoint& endpoint : process.http) told.add_http(ToString(endpoint));
    for (const Endpoint& endpoint : process.peers) told.add_peers(ToString(endpoint));
  }

  std::string StartOrder() const {
    std::string text =
        "# Parents first; any other order works, too. MACHINE: PROGRAM ARGUMENTS  # NAME\n";
    for (const v1::RenderedProcess& process : rendering_.summary.processes()) {
      text += process.machine() + ": " + process.program();
      for (const std::string& argument : process.arguments()) text += " " + argument;
      text += "  # " + process.name() + "\n";
    }
    return text;
  }

  const Topology& topology_;
  const Places& places_;
  const std::string local_;
  Rendering rendering_;
};

}  // namespace

Rendering Render(const Topology& topology, const Places& places, const std::string& local) {
  return Renderer(topology, places, local).Run();
}

}  // namespace strata::cli::topology
