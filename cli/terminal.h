#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "cli/table.h"

namespace strata::cli {

// Where the command writes to, and how. Not owned.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  bool is_terminal = false;        // `out` is one: colours, and its width.
  bool colours = false;            // A terminal, and NO_COLOR is not set.
  bool json = false;               // For programs.
  std::optional<size_t> width{};   // Of the terminal, in columns.
  std::optional<size_t> height{};  // In lines.

  // For displays that go on: waits a moment; false ends them.
  std::function<bool()> wait{};

  Table::Style style() const { return {.colours = colours, .width = width}; }
  std::string Paint(std::string_view text, Colour colour) const {
    return Coloured(text, colour, colours);
  }
};

}  // namespace strata::cli
