#pragma once

#include <string>
#include <vector>

// What can be typed, for the completion of shells. Pure.

namespace strata::cli {

struct CommandOption {
  std::string name;  // --manager
  std::string help;
};

struct CommandTree {
  std::string name;
  std::string help;
  std::vector<CommandOption> options;  // Its own; those of its parents count too.
  std::vector<CommandTree> commands;
  bool takes_files = false;
  // The command whose answer has the names that may follow, "engine list"; empty: none do.
  std::string names_from = {};
};

// A script for the shell to read: source <(strata completion bash).
std::string BashCompletion(const CommandTree& root);
std::string ZshCompletion(const CommandTree& root);
std::string FishCompletion(const CommandTree& root);

}  // namespace strata::cli
