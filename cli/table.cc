#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "cli/text_width.h"

namespace strata::cli {
namespace {

constexpr size_t kGap = 2;       // Columns between two columns.
constexpr size_t kLastMin = 10;  // The last column is never cut below that.

const char* CodeOf(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kCyan:
      return "\x1b[36m";
    case Colour::kGrey:
      return "\x1b[90m";
    case Colour::kBold:
      return "\x1b[1m";
  }
  return "";
}

}  // namespace

std::string Coloured(std::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kNone || text.empty()) return std::string(text);
  return CodeOf(colour) + std::string(text) + "\x1b[0m";
}

void Table::AddRow(std::vector<Cell> cells) {
  cells.resize(columns_.size(), Cell(""));
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], TextWidth(row[i].text));
  }
  for (size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] > 0) widths[i] = std::max(widths[i], TextWidth(columns_[i].title));
  }
  return widths;
}

std::string Table::RenderRow(const std::vector<Cell>& cells, const std::vector<size_t>& widths,
                             const Style& style) const {
  std::string line;
  size_t used = 0;     // Width of `line` without colours.
  size_t pending = 0;  // Blanks that are only written if something follows.
  for (size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    std::string text = cells[i].text;
    if (i + 1 == cells.size() && style.width) {
      const size_t start = used + pending;
      text = Shortened(text, *style.width > start + kLastMin ? *style.width - start : kLastMin);
    }
    const size_t width = TextWidth(text);
    const size_t fill = widths[i] > width ? widths[i] - width : 0;
    if (columns_[i].align == Align::kRight) pending += fill;
    if (width > 0) {
      line.append(pending, ' ');
      used += pending + width;
      pending = 0;
      line += Coloured(text, cells[i].colour, style.colours);
    }
    pending += kGap + (columns_[i].align == Align::kRight ? 0 : fill);
  }
  return line + "\n";
}

std::string Table::Render(const Style& style) const {
  const std::vector<size_t> widths = Widths();
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.emplace_back(column.title, Colour::kBold);
  std::string text = RenderRow(titles, widths, style);
  for (const std::vector<Cell>& row : rows_) text += RenderRow(row, widths, style);
  return text;
}

}  // namespace strata::cli
