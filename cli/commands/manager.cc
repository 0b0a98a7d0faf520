#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr Word kName{"name", "NAME", "The manager"};

void AddPromote(Command& group) {
  struct Typed {
    std::string name;
    bool anyway = false;
  };
  const auto typed = std::make_shared<Typed>();
  group
      .ManagerVerb("promote", "Let a backup lead the farm from now on",
                   [typed, &session = group.session()](Terminal& terminal, ManagerClient& manager) {
                     const auto open = [&session](const std::string& address) {
                       return session.OpenManager(address);
                     };
                     return PromoteManager(terminal, manager, open, typed->name, typed->anyway);
                   })
      .Needs(kName, typed->name)
      .Flag("--the-others-are-gone", typed->anyway,
            "Also if too few are left to agree: what only the others knew is lost, and if they "
            "are alive there are two farms");
}

}  // namespace

void AddManagerCommands(Command& root) {
  Command group =
      root.Group("manager", "The Service Managers of the farm: who leads, who backs it up");
  group.ManagerVerb("list", "List the managers", ListManagers);
  AddPromote(group);
  const auto name = std::make_shared<std::string>();
  group
      .ManagerVerb("remove", "Forget a manager that is gone",
                   [name](Terminal& terminal, ManagerClient& manager) {
                     return RemoveManager(terminal, manager, *name);
                   })
      .Needs(kName, *name);
}

}  // namespace strata::cli
