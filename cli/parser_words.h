#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command_tree.h"

// What the parser of the command line has to say, in words for people.
namespace strata::cli {

// What is wrong with a line: `typed` is the deepest command that was typed, `rest` what follows it.
std::string Complaint(const CLI::ParseError& error, const CLI::App& typed,
                      const std::vector<std::string>& rest);

CommandTree TreeOf(const CLI::App& app);

}  // namespace strata::cli
