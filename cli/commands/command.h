#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/command_tree.h"
#include "cli/commands/session.h"
#include "cli/exit_code.h"
#include "cli/manager_client.h"
#include "cli/terminal.h"

namespace CLI {
class App;
}

namespace strata::cli {

// A word that may follow a command: "-f,--file", or a name without dashes for one that is told by
// its place. The completion of shells knows the places "name" (of what the group lists), "file" and
// "backup".
struct Word {
  const char* name;
  const char* type;  // NAME, FILE, ...: what --help shows for its value.
  const char* help;
};

struct Bounds {
  int min = 0;
  int max = 0;
};

// The command itself, a group of commands or a verb: describes itself to the parser, to --help, and
// so to the man pages and the completion of shells. Only a handle: the parser owns what it is told.
class Command {
 public:
  using Action = std::function<ExitCode(Session&)>;
  using ManagerAction = std::function<ExitCode(Terminal&, ManagerClient&)>;

  // Of the whole command. `chosen` becomes the action of the verb that was typed. All of them
  // outlive every handle.
  Command(CLI::App& app, Session& session, Action& chosen);

  Command Group(const char* name, const char* help);
  Command Verb(const char* name, const char* help, Action action);
  // One that asks a manager: the action gets it, kUsage if it is not known which.
  Command ManagerVerb(const char* name, const char* help, ManagerAction action);

  // Words of a verb. The values are there when its action runs, which keeps them alive.
  Command& Needs(const Word& word, std::string& value);
  Command& Needs(const Word& word, std::vector<std::string>& values);
  Command& Takes(const Word& word, std::string& value);
  Command& Takes(const Word& word, std::vector<std::string>& values);
  Command& Takes(const Word& word, uint32_t& value);
  Command& Takes(const Word& word, uint64_t& value);
  Command& Takes(const Word& word, int& value, Bounds bounds);
  Command& Flag(const char* name, bool& value, const char* help);

  // All that can be typed behind it.
  CommandTree Tree() const;
  Session& session() const { return session_; }

 private:
  CLI::App& app_;
  Session& session_;
  Action& chosen_;
};

}  // namespace strata::cli
