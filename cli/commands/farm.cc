#include <memory>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {

void AddFarmCommands(Command& root) {
  Command farm = root.Group("farm", "The farm: its engines, their state, whether all agree");
  const auto watch = std::make_shared<bool>(false);
  farm.ManagerVerb("show", "Show the state table",
                   [watch](Terminal& terminal, ManagerClient& manager) {
                     return *watch ? WatchFarm(terminal, manager) : ShowFarm(terminal, manager);
                   })
      .Flag("-w,--watch", *watch, "Again each second, until Ctrl-C");
  farm.ManagerVerb("verify", "Compare the tables of all members", VerifyFarm);
}

}  // namespace strata::cli
