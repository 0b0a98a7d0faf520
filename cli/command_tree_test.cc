#include "cli/command_tree.h"

#include <string>

#include "gtest/gtest.h"

namespace strata::cli {
namespace {

CommandTree Tree() {
  return {.name = "strata",
          .help = "",
          .options = {{.name = "--json", .help = "For programs"}},
          .commands = {{.name = "farm",
                        .help = "The farm's state",
                        .options = {},
                        .commands = {{.name = "show",
                                      .help = "Show it",
                                      .options = {{.name = "--watch", .help = "Again"}},
                                      .commands = {}}}}}};
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CommandTreeTest, BashKnowsWhatFollows) {
  const std::string script = BashCompletion(Tree());
  EXPECT_TRUE(Has(script, "    \"strata\") words=\"farm --json\" ;;\n")) << script;
  EXPECT_TRUE(Has(script, "    \"strata farm\") words=\"show --json\" ;;\n")) << script;
  EXPECT_TRUE(Has(script, "    \"strata farm show\") words=\"--watch --json\" ;;\n")) << script;
}

TEST(CommandTreeTest, BashAsksForNames) {
  CommandTree tree = Tree();
  tree.commands[0].commands[0].names_from = "engine list";
  const std::string script = BashCompletion(tree);
  EXPECT_TRUE(Has(script, "words=\"--watch --json\" names=\"engine list\" ;;\n")) << script;
  EXPECT_TRUE(Has(script, "strata $names --json --timeout 1s 2>/dev/null")) << script;
}

TEST(CommandTreeTest, ZshReadsThatOfBash) {
  EXPECT_TRUE(Has(ZshCompletion(Tree()), "bashcompinit"));
  EXPECT_TRUE(Has(ZshCompletion(Tree()), BashCompletion(Tree())));
}

TEST(CommandTreeTest, FishKnowsWhatFollowsAndWhy) {
  const std::string script = FishCompletion(Tree());
  EXPECT_TRUE(
      Has(script, "complete -c strata -n '__fish_use_subcommand' -a farm -d 'The farm\\'s state'"))
      << script;
  EXPECT_TRUE(Has(script,
                  "-n '__fish_seen_subcommand_from farm; and not __fish_seen_subcommand_from show' "
                  "-a show"))
      << script;
  EXPECT_TRUE(Has(script,
                  "-n '__fish_seen_subcommand_from farm; and __fish_seen_subcommand_from show' -l "
                  "watch"))
      << script;
}

}  // namespace
}  // namespace strata::cli
