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

std::optional<size_t> WidthOfTerminal() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  const std::string no_color = Variable("NO_COLOR").value_or("");
  strata::cli::Terminal terminal{.out = std::cout, .err = std::cerr};
  terminal.is_terminal = is_terminal;
  terminal.colours = is_terminal && no_color.empty() && Variable("TERM") != "dumb";
  if (is_terminal) terminal.width = WidthOfTerminal();
  terminal.wait = [&terminal] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (terminal.is_terminal) terminal.width = WidthOfTerminal();
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
