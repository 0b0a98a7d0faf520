#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/failure.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr Word kName{"name", "NAME", "The engine"};

void AddDrain(Command& engine) {
  struct Typed {
    DrainOptions options;
    std::string within;
  };
  const auto typed = std::make_shared<Typed>();
  DrainOptions& options = typed->options;
  engine
      .ManagerVerb("drain", "Send an engine no new clients, and copy to others what only it has",
                   [typed](Terminal& terminal, ManagerClient& manager) {
                     if (!typed->within.empty()) {
                       const StatusOr<Duration> within = ParseWait("--within", typed->within);
                       if (!within.ok()) {
                         Fail(terminal, within.status());
                         return ExitCode::kUsage;
                       }
                       typed->options.within = *within;
                     }
                     return DrainEngine(terminal, manager, typed->options);
                   })
      .Needs(kName, options.engine)
      .Flag("--wait", options.wait, "Until it is safe to switch it off")
      .Takes({"--within", "TIME", "Wait so long at most, such as 30min"}, typed->within)
      .Flag("--without-copying", options.without_copying,
            "Wait for running requests only: what only it has is missing then");
}

using EngineVerb = ExitCode (*)(Terminal&, ManagerClient&, const std::string& engine);

void AddNamed(Command& engine, const char* name, const char* help, EngineVerb verb) {
  const auto whom = std::make_shared<std::string>();
  engine
      .ManagerVerb(name, help,
                   [whom, verb](Terminal& terminal, ManagerClient& manager) {
                     return verb(terminal, manager, *whom);
                   })
      .Needs(kName, *whom);
}

}  // namespace

void AddEngineCommands(Command& root) {
  Command engine = root.Group("engine", "The engines of the farm");
  engine.ManagerVerb("list", "List the engines, where they are and what they can do", ListEngines);
  AddDrain(engine);
  AddNamed(engine, "undrain", "Send it clients again", UndrainEngine);
  AddNamed(engine, "remove", "Forget an engine that is gone", RemoveEngine);
}

}  // namespace strata::cli
