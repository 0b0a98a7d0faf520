#include "cli/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "common/unique_fd.h"

namespace strata::cli {
namespace {

using std::chrono::steady_clock;

constexpr size_t kChunk = 65536;

// Where it is, without PATH of a user who is no administrator.
std::string Find(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/bin/"}) {
    std::error_code error;
    if (std::filesystem::exists(folder + program, error)) return folder + program;
  }
  return program;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

StatusOr<pid_t> Spawn(const std::vector<std::string>& command, int output) {
  FileActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), output, STDERR_FILENO);
  const std::string path = Find(command.front());
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  std::array<char*, 3> environment = {const_cast<char*>("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                                      const_cast<char*>("LC_ALL=C.UTF-8"), nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, path.c_str(), actions.get(), nullptr, arguments.data(),
                                 environment.data());
  if (error == ENOENT) return NotFound("there is no program %s", command.front().c_str());
  if (error != 0) return Unavailable("%s: %s", path.c_str(), strerror(error));
  return pid;
}

// True: until the end; false: no end by then.
bool ReadAll(int fd, size_t bytes_max, steady_clock::time_point deadline, CommandOutput& output) {
  std::string chunk(kChunk, '\0');
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) == 0) return false;
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const size_t room = bytes_max - output.text.size();
    output.text.append(chunk, 0, std::min(room, static_cast<size_t>(got)));
    output.shortened = output.shortened || static_cast<size_t>(got) > room;
  }
}

}  // namespace

StatusOr<CommandOutput> RunCommand(const std::vector<std::string>& command, size_t bytes_max,
                                   Duration patience) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Unavailable("pipe: %s", strerror(errno));
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  STRATA_ASSIGN_OR_RETURN(const pid_t pid, Spawn(command, writer.get()));
  writer = UniqueFd();
  CommandOutput output;
  const bool ended = ReadAll(reader.get(), bytes_max, steady_clock::now() + patience, output);
  if (!ended) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return DeadlineExceeded("%s did not end in time", command.front().c_str());
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace strata::cli
