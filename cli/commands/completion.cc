#include <string>

#include "cli/commands/families.h"

namespace strata::cli {

void AddCompletionCommands(Command& root) {
  Command group = root.Group("completion", "What a shell needs to complete this command");
  const auto add = [&](const char* shell, const char* help,
                       std::string (*render)(const CommandTree&)) {
    group.Verb(shell, help, [whole = root, render](Session& session) {
      session.terminal.out << render(whole.Tree());
      return ExitCode::kOk;
    });
  };
  add("bash", "source <(strata completion bash)", BashCompletion);
  add("zsh", "source <(strata completion zsh)", ZshCompletion);
  add("fish", "strata completion fish | source", FishCompletion);
}

}  // namespace strata::cli
