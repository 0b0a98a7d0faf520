#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "common/unique_fd.h"

namespace strata::engine {

struct ChildOptions {
  int error_fd = -1;            // Its stderr; -1: nowhere. Its stdin and stdout are nowhere.
  bool own_group = false;       // Leads a process group of its own: kill(-pid, …) reaches all.
  int parent_death_signal = 0;  // Sent to it when the *thread* that started it ends; 0: none.
};

// Starts a program with nothing blocked or inherited. Unavailable if there can be no process; a
// program that cannot be executed ends with 127.
StatusOr<pid_t> StartChild(const std::vector<std::string>& command, const ChildOptions& options);

// Readable when the process has ended. (glibc's own pidfd_open cannot be called from C++.)
UniqueFd WatchProcess(pid_t pid);

// Whether the child has ended within `limit`; `status` is then waitpid's.
bool AwaitChild(pid_t pid, Duration limit, int& status);

// "exit status 1", "signal 9".
std::string DescribeEnd(int status);

// Runs a program to its end: what it wrote to stderr (kMessageBytesMax at most) is `errors`.
// Unavailable if it did not end well; DeadlineExceeded if not in time: it is killed then.
Status RunChild(const std::vector<std::string>& command, Duration limit, std::string& errors);

}  // namespace strata::engine
