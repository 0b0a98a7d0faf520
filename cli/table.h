#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

enum class Colour : uint8_t { kNone, kGreen, kYellow, kRed, kCyan, kGrey, kBold };

// `text` in this colour if `colours`, with the codes that terminals know.
std::string Coloured(std::string_view text, Colour colour, bool colours);

enum class Align : uint8_t { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

struct Cell {
  Cell(std::string shown, Colour how = Colour::kNone) : text(std::move(shown)), colour(how) {}
  Cell(const char* shown, Colour how = Colour::kNone) : text(shown), colour(how) {}

  std::string text;
  Colour colour = Colour::kNone;
};

// Rows under titles, in columns as wide as they need to be. Texts come from anywhere: what a
// terminal would obey is replaced. A column whose cells are all empty is left out.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns; missing ones are empty, more do not count.
  void AddRow(std::vector<Cell> cells);

  bool empty() const { return rows_.empty(); }

  struct Style {
    bool colours = false;
    std::optional<size_t> width{};  // Of the terminal: the last column is cut to fit.
  };
  // Lines with their ends.
  std::string Render(const Style& style) const;

 private:
  std::vector<size_t> Widths() const;
  std::string RenderRow(const std::vector<Cell>& cells, const std::vector<size_t>& widths,
                        const Style& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace strata::cli
