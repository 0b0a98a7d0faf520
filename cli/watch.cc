#include "cli/watch.h"

#include <algorithm>

#include "cli/failure.h"
#include "cli/text_width.h"

namespace strata::cli {
namespace {

std::string FrameText(const Terminal& terminal, const StatusOr<std::string>& frame) {
  if (frame.ok()) return *frame;
  return terminal.Paint(Printable(MessageOf(frame.status())), Colour::kRed) +
         "\nTrying again; Ctrl-C ends.\n";
}

// As many lines as fit, and the line of the cursor.
std::string CutToHeight(const std::string& frame, size_t height) {
  const auto lines = static_cast<size_t>(std::count(frame.begin(), frame.end(), '\n'));
  if (lines < height || height < 3) return frame;
  size_t end = 0;
  for (size_t line = 0; line + 2 < height; ++line) end = frame.find('\n', end) + 1;
  return frame.substr(0, end) + "... " + std::to_string(lines - (height - 2)) + " more lines\n";
}

// In place of the frame before, without a flicker.
std::string InPlace(const std::string& frame) {
  std::string text = "\x1b[H";
  for (const char c : frame) {
    if (c == '\n') text += "\x1b[K";
    text += c;
  }
  return text + "\x1b[J";
}

}  // namespace

ExitCode Watch(Terminal& terminal, const std::function<StatusOr<std::string>()>& frame) {
  const bool in_place = terminal.is_terminal && !terminal.json;
  for (bool is_first = true;; is_first = false) {
    const StatusOr<std::string> shown = frame();
    if (!shown.ok() && (is_first || terminal.json)) return Fail(terminal, shown.status());
    std::string text = FrameText(terminal, shown);
    if (in_place) {
      if (terminal.height) text = CutToHeight(text, *terminal.height);
      terminal.out << (is_first ? "\x1b[2J" : "") << InPlace(text);
    } else {
      terminal.out << (is_first || terminal.json ? "" : "\n") << text;
    }
    terminal.out.flush();
    if (!terminal.out.good() || !terminal.wait || !terminal.wait()) return ExitCode::kOk;
  }
}

}  // namespace strata::cli
