#include "service_engine/adapters/nginx/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/adapters/nginx/limits.h"

namespace strata::engine {
namespace {

// Between fork and exec: only what POSIX allows there.
[[noreturn]] void Become(char* const* argv, const ChildOptions& options, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (options.own_group) setpgid(0, 0);
  if (options.parent_death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, options.parent_death_signal);
    if (getppid() != parent) _exit(127);  // It was too late for the signal.
  }
  const int nowhere = open("/dev/null", O_RDWR);
  dup2(nowhere, STDIN_FILENO);
  dup2(nowhere, STDOUT_FILENO);
  dup2(options.error_fd >= 0 ? options.error_fd : nowhere, STDERR_FILENO);
  // Libraries open their sockets without O_CLOEXEC; one that lives on in a server holds its port.
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  execv(argv[0], argv);
  _exit(127);
}

bool Readable(int fd, Timestamp until) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  for (;;) {
    const int left = MillisUntil(until);
    const int ready = poll(&waiting, 1, left);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Up to the end of the pipe or to `until`.
void ReadAll(int fd, Timestamp until, std::string& text) {
  char buffer[4096];
  while (Readable(fd, until)) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n <= 0) return;
    const size_t room = kMessageBytesMax - std::min(kMessageBytesMax, text.size());
    text.append(buffer, std::min(static_cast<size_t>(n), room));
  }
}

}  // namespace

StatusOr<pid_t> StartChild(const std::vector<std::string>& command, const ChildOptions& options) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return Unavailable("fork: %s", strerror(errno));
  if (pid == 0) Become(argv.data(), options, parent);
  if (options.own_group) setpgid(pid, pid);  // Whoever comes first: kill(-pid) works from here on.
  return pid;
}

UniqueFd WatchProcess(pid_t pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

bool AwaitChild(pid_t pid, Duration limit, int& status) {
  const UniqueFd ended = WatchProcess(pid);
  if (!ended.valid() || !Readable(ended.get(), Now() + limit)) return false;
  return waitpid(pid, &status, WNOHANG) == pid;
}

std::string DescribeEnd(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

Status RunChild(const std::vector<std::string>& command, Duration limit, std::string& errors) {
  const Timestamp until = Now() + limit;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Unavailable("pipe: %s", strerror(errno));
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  STRATA_ASSIGN_OR_RETURN(const pid_t pid, StartChild(command, {.error_fd = to.get()}));
  to.Close();
  ReadAll(from.get(), until, errors);
  int status = 0;
  if (!AwaitChild(pid, until - Now(), status)) {
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return DeadlineExceeded("%s did not end within %.0f s", command.front().c_str(),
                            Seconds(limit));
  }
  if (status == 0) return Ok();
  return Unavailable("%s: %s", command.front().c_str(), DescribeEnd(status).c_str());
}

}  // namespace strata::engine
