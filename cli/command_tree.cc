#include "cli/command_tree.h"

#include <functional>

namespace strata::cli {
namespace {

// The words that may follow `path`, such as "strata farm".
std::string WordsOf(const CommandTree& command, const std::vector<CommandOption>& inherited) {
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
  for (const CommandTree& child : command.commands) add(child.name);
  for (const CommandOption& option : command.options) add(option.name);
  for (const CommandOption& option : inherited) add(option.name);
  return words;
}

void ForEach(const CommandTree& command, const std::string& path,
             const std::function<void(const CommandTree&, const std::string&)>& visit) {
  visit(command, path);
  for (const CommandTree& child : command.commands) {
    ForEach(child, path + " " + child.name, visit);
  }
}

// In single quotes of fish.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishLine(const std::string& root, const std::string& condition, const std::string& rest,
                     const std::string& help) {
  return "complete -c " + root + " -n " + Quoted(condition) + " " + rest + " -d " + Quoted(help) +
         "\n";
}

// Where the words so far are those of `path`, and none of the next level is there yet.
std::string FishCondition(const CommandTree& command, const std::string& path) {
  if (path.find(' ') == std::string::npos) return "__fish_use_subcommand";
  std::string condition;
  for (size_t at = path.find(' '); at != std::string::npos;) {
    const size_t next = path.find(' ', at + 1);
    condition += (condition.empty() ? "" : "; and ") +
                 ("__fish_seen_subcommand_from " + path.substr(at + 1, next - at - 1));
    at = next;
  }
  if (command.commands.empty()) return condition;
  condition += "; and not __fish_seen_subcommand_from";
  for (const CommandTree& child : command.commands) condition += " " + child.name;
  return condition;
}

// What the manager knows, if it answers soon; a shell that waits is worse than one that is silent.
std::string BashNames(const std::string& root) {
  return "  if [[ -n $names && $word != -* ]]; then\n"
         "    words+=\" $(" +
         root +
         " $names --json --timeout 1s 2>/dev/null |\n"
         "      sed -n 's/^{\"name\":\"\\([^\"]*\\)\".*/\\1/p')\"\n"
         "  fi\n";
}

constexpr const char* kBashTail =
    "  if [[ $word == -* || -z $files ]]; then\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
    "  else\n"
    "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\") $(compgen -f -- \"$word\"))\n"
    "  fi\n"
    "}\n";

}  // namespace

std::string BashCompletion(const CommandTree& root) {
  std::string cases;
  std::string paths;
  ForEach(root, root.name, [&](const CommandTree& command, const std::string& path) {
    const bool is_root = path == root.name;
    cases += "    \"" + path + "\") words=\"" +
             WordsOf(command, is_root ? std::vector<CommandOption>() : root.options) + "\"" +
             (command.takes_files ? " files=1" : "") +
             (command.names_from.empty() ? "" : " names=\"" + command.names_from + "\"") + " ;;\n";
    if (!is_root) paths += "      \"" + path + "\") path=\"$path $part\" ;;\n";
  });
  return "# Completion of " + root.name + " for bash: source <(" + root.name +
         " completion bash)\n"
         "_" +
         root.name +
         "() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\" path=\"" +
         root.name +
         "\" words= files= names= part\n"
         "  COMPREPLY=()\n"
         "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
         "    -f | --file | --config | --dir | --out)\n"
         "      COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "      return ;;\n"
         "    --role)\n"
         "      COMPREPLY=($(compgen -W \"manager engine operator viewer witness\" -- \"$word\"))\n"
         "      return ;;\n"
         "  esac\n"
         "  for part in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$path $part\" in\n" +
         paths +
         "    esac\n"
         "  done\n"
         "  case \"$path\" in\n" +
         cases + "  esac\n" + BashNames(root.name) + kBashTail + "complete -o filenames -F _" +
         root.name + " " + root.name + "\n";
}

std::string ZshCompletion(const CommandTree& root) {
  return "# Completion of " + root.name + " for zsh: source <(" + root.name +
         " completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         BashCompletion(root);
}

std::string FishCompletion(const CommandTree& root) {
  std::string text = "# Completion of " + root.name + " for fish: " + root.name +
                     " completion fish | source\ncomplete -c " + root.name + " -f\n";
  for (const CommandOption& option : root.options) {
    text += FishLine(root.name, "true", "-l " + option.name.substr(2), option.help);
  }
  ForEach(root, root.name, [&](const CommandTree& command, const std::string& path) {
    const std::string condition = FishCondition(command, path);
    for (const CommandTree& child : command.commands) {
      text += FishLine(root.name, condition, "-a " + child.name, child.help);
    }
    for (const CommandOption& option : command.options) {
      if (path == root.name) continue;
      text += FishLine(root.name, condition, "-l " + option.name.substr(2), option.help);
    }
  });
  return text;
}

}  // namespace strata::cli
