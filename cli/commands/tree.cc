#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {

void AddTreeCommands(Command& root) {
  const auto watch = std::make_shared<bool>(false);
  root.ManagerVerb("tree", "Draw the managers beneath, level by level",
                   [watch](Terminal& terminal, ManagerClient& manager) {
                     return *watch ? WatchTree(terminal, manager) : ShowTree(terminal, manager);
                   })
      .Flag("-w,--watch", *watch, "Again each second, until Ctrl-C");
  Command policy = root.Group("policy", "What the manager tells its parent");
  policy.ManagerVerb("show", "Show the rules", ShowPolicy);
  const auto uri = std::make_shared<std::string>();
  policy
      .ManagerVerb("test", "Tell what each level above will know of a content",
                   [uri](Terminal& terminal, ManagerClient& manager) {
                     return TestPolicy(terminal, manager, *uri);
                   })
      .Needs({"uri", "URI", "As clients ask for it"}, *uri);
}

}  // namespace strata::cli
