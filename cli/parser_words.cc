#include "cli/parser_words.h"

#include <string_view>

#include "common/near_miss.h"

namespace strata::cli {
namespace {

// Words of the library, where they are none for people.
std::string Plain(const CLI::ParseError& error) {
  constexpr std::string_view kNoNumber = "Could not convert: ";
  const std::string text = error.what();
  const size_t equals = text.find(" = ");
  if (text.starts_with(kNoNumber) && equals != std::string::npos) {
    return text.substr(kNoNumber.size(), equals - kNoNumber.size()) + ": \"" +
           text.substr(equals + 3) + "\" is no whole number from 0";
  }
  const size_t twice = text.find(": At Most 1 required");
  if (twice != std::string::npos) return text.substr(0, twice) + " is given more than once";
  return text;
}

}  // namespace

std::string Complaint(const CLI::ParseError& error, const CLI::App& typed,
                      const std::vector<std::string>& rest) {
  std::vector<std::string> names;
  for (const CLI::App* child : typed.get_subcommands({})) names.push_back(child->get_name());
  if (!names.empty() && !rest.empty() && !rest.front().starts_with("-")) {
    const std::string meant(NearMiss(rest.front(), names));
    return "\"" + rest.front() + "\" is no command" +
           (meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
  }
  if (names.empty() || !rest.empty()) return Plain(error);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return "what to do? One of: " + all;
}

CommandTree TreeOf(const CLI::App& app) {
  CommandTree tree{
      .name = app.get_name(), .help = app.get_description(), .options = {}, .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name == "help" && app.get_parent() != nullptr) continue;  // The root's is everybody's.
      tree.options.push_back({.name = "--" + name, .help = option->get_description()});
    }
  }
  const CLI::Option* name = app.get_option_no_throw("name");
  if (name != nullptr && name->get_positional()) {
    tree.names_from = app.get_parent()->get_name() + " list";
  }
  const CLI::Option* file = app.get_option_no_throw("file");
  tree.takes_files =
      (file != nullptr && file->get_positional()) || app.get_option_no_throw("backup") != nullptr;
  for (const CLI::App* child : app.get_subcommands({})) tree.commands.push_back(TreeOf(*child));
  return tree;
}

}  // namespace strata::cli
