#include "cli/failure.h"

#include <string>

#include "cli/text_width.h"

namespace strata::cli {
namespace {

ExitCode CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied:
      return ExitCode::kRefused;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace

ExitCode Fail(Terminal& terminal, const Status& status) {
  std::string lines = MessageOf(status);
  std::string shown;
  // A list of errors keeps its lines; nothing else of a manager's text reaches the terminal as it
  // is.
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    shown += (shown.empty() ? "" : "\n") + Printable(lines.substr(0, end));
    lines = end == std::string::npos ? "" : lines.substr(end + 1);
  }
  terminal.err << "strata: " << (shown.empty() ? ToString(status) : shown) << "\n";
  return CodeOf(status.code());
}

}  // namespace strata::cli
