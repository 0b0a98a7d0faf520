#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "cli/command_line.h"

namespace {

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// What the terminal says of itself now; it may be made larger or smaller at any time.
void Measure(strata::cli::Terminal& terminal) {
  winsize size{};
  terminal.width = terminal.height = std::nullopt;
  if (!terminal.is_terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_col != 0) terminal.width = size.ws_col;
  if (size.ws_row != 0) terminal.height = size.ws_row;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  const std::string no_color = Variable("NO_COLOR").value_or("");
  strata::cli::Terminal terminal{.out = std::cout, .err = std::cerr};
  terminal.is_terminal = is_terminal;
  terminal.colours = is_terminal && no_color.empty() && Variable("TERM") != "dumb";
  Measure(terminal);
  terminal.wait = [&terminal] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    Measure(terminal);
    return true;
  };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const strata::cli::ExitCode code = strata::cli::RunCommandLine(arguments, terminal, Variable);
  std::cout.flush();
  if (!std::cout.good() && code == strata::cli::ExitCode::kOk) {
    std::cerr << "strata: the answer could not be written\n";
    return static_cast<int>(strata::cli::ExitCode::kFailed);
  }
  return static_cast<int>(code);
}
