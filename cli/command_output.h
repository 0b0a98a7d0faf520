#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"

namespace strata::cli {

struct CommandOutput {
  int status = 0;          // Its exit status; 128 and more: ended by a signal.
  std::string text;        // Standard output and standard error, as they came.
  bool shortened = false;  // There was more.
};

// What a program says, found along PATH and in the folders of administrators' programs; its input
// is empty. At most `bytes_max` are kept, the beginning; a program that goes on beyond `patience`
// is killed, and the answer is DeadlineExceeded. NotFound: there is no such program.
StatusOr<CommandOutput> RunCommand(const std::vector<std::string>& command, size_t bytes_max,
                                   Duration patience);

}  // namespace strata::cli
