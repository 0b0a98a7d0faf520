#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/topology/verbs.h"

namespace strata::cli {
namespace {

constexpr Word kFile{"file", "FILE", "The topology's YAML file"};

void AddRender(Command& topology) {
  const auto options = std::make_shared<RenderTopologyOptions>();
  topology
      .Verb("render", "Write settings and certificates of every process",
            [options](Session& session) { return RenderTopology(session.terminal, *options); })
      .Needs({"--dir", "DIR", "Folder for them; what is there and fits is kept"}, options->folder)
      .Flag("--force", options->force, "Replace settings that are not as the topology has them")
      .Flag("--founded", options->founded,
            "All scopes stand: managers that founded them join the others if their disk is lost")
      .Needs(kFile, options->file);
}

}  // namespace

void AddTopologyCommands(Command& root) {
  Command topology =
      root.Group("topology", "A federation's processes, planned in one file; needs no manager");
  const auto file = std::make_shared<std::string>();
  topology
      .Verb("check", "Say what is wrong with a topology, or show its scopes",
            [file](Session& session) { return CheckTopology(session.terminal, *file); })
      .Needs(kFile, *file);
  AddRender(topology);
}

}  // namespace strata::cli
