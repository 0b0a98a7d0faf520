#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {

void AddPurgeCommands(Command& root) {
  Command purge = root.Group("purge", "The purges of each site, and who has done them");
  const auto options = std::make_shared<ListPurgesOptions>();
  purge
      .ManagerVerb("list", "List purges, the newest first",
                   [options](Terminal& terminal, ManagerClient& manager) {
                     return ListPurges(terminal, manager, *options);
                   })
      .Takes({"--site", "NAME", "Of this site only"}, options->site)
      .Takes({"--limit", "N", "At most so many of each site [20]"}, options->limit);
  const auto id = std::make_shared<std::string>();
  purge
      .ManagerVerb("show", "Show what a purge drops, and who has confirmed it",
                   [id](Terminal& terminal, ManagerClient& manager) {
                     return ShowPurge(terminal, manager, *id);
                   })
      .Needs({"id", "ID", "Such as films@12"}, *id);
}

}  // namespace strata::cli
