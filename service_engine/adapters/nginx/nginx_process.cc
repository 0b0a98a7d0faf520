#include "service_engine/adapters/nginx/nginx_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/file.h"
#include "common/log.h"
#include "common/unique_fd.h"
#include "service_engine/adapters/nginx/child_process.h"
#include "service_engine/adapters/nginx/clock.h"
#include "service_engine/adapters/nginx/http_fetch.h"
#include "service_engine/adapters/nginx/limits.h"
#include "service_engine/adapters/nginx/metric_numbers.h"
#include "service_engine/core/nginx_config.h"

namespace strata::engine {
namespace {

constexpr std::chrono::milliseconds kPoll(5);

std::vector<std::string> Command(const NginxProcessOptions& options,
                                 const std::string& configuration) {
  return {options.nginx, "-e", options.error_log, "-p", options.folder, "-c", configuration};
}

std::string LinkOf(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = readlink(path.c_str(), target, sizeof(target));
  return n <= 0 ? "" : std::string(target, static_cast<size_t>(n));
}

std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  DIR* const open = opendir(folder.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = readdir(open)) names.emplace_back(entry->d_name);
  closedir(open);
  return names;
}

bool HasOpen(const std::string& process, const std::string& file) {
  const std::string folder = process + "/fd";
  const std::vector<std::string> names = Names(folder);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return LinkOf(folder + "/" + name).starts_with(file);
  });
}

// Processes of this nginx that have its error log open: every one of them has.
std::vector<pid_t> ProcessesOf(const NginxProcessOptions& options) {
  std::error_code ignored;
  const std::string program = std::filesystem::canonical(options.nginx, ignored).string();
  const std::string log = std::filesystem::weakly_canonical(options.error_log, ignored).string();
  std::vector<pid_t> pids;
  for (const std::string& name : Names("/proc")) {
    if (name.empty() || name[0] < '0' || name[0] > '9') continue;
    const std::string process = "/proc/" + name;
    if (program.empty() || !LinkOf(process + "/exe").starts_with(program)) continue;
    if (HasOpen(process, log)) pids.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return pids;
}

// Calls `done` until it says so or the time is up.
template <class Done>
bool Await(Duration limit, const Done& done) {
  const Timestamp until = Now() + limit;
  while (!done()) {
    if (Now() >= until) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

off_t SizeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

// Of a process that may end meanwhile: empty then.
std::string ContentOf(const std::string& path) {
  const StatusOr<std::string> text = ReadFile(path, kProcFileBytesMax);
  return text.ok() ? *text : "";
}

std::vector<pid_t> ChildrenOf(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::istringstream text(ContentOf("/proc/" + id + "/task/" + id + "/children"));
  return std::vector<pid_t>(std::istream_iterator<pid_t>(text), {});
}

// Workers go on accepting for a moment after new ones have begun to, by the old configuration.
// When they stop they say so in their title.
void AwaitRetirement(const std::vector<pid_t>& workers, const std::function<bool()>& ending) {
  Await(kRetireLimit, [&] {
    return ending() || std::all_of(workers.begin(), workers.end(), [](pid_t pid) {
             const std::string title = ContentOf("/proc/" + std::to_string(pid) + "/cmdline");
             return title.find("worker process") == std::string::npos ||
                    title.find("shutting down") != std::string::npos;
           });
  });
}

// The last line of severity emerg behind `from` that the process of this id wrote, or anybody if it
// is 0; empty if there is none. Workers have such lines, too, that stop nothing.
std::string EmergencyIn(const std::string& log, off_t from, pid_t pid) {
  const UniqueFd file(open(log.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[kMessageBytesMax];
  const ssize_t n = file.valid() ? pread(file.get(), buffer, sizeof(buffer), from) : 0;
  const std::string_view text(buffer, static_cast<size_t>(std::max<ssize_t>(n, 0)));
  const size_t at = text.rfind("[emerg] " + (pid == 0 ? "" : std::to_string(pid) + "#"));
  if (at == std::string_view::npos) return "";
  return std::string(text.substr(at, text.find('\n', at) - at));
}

NginxProcessOptions WithEnding(NginxProcessOptions options) {
  if (!options.ending) options.ending = [] { return false; };
  return options;
}

}  // namespace

// The child, and the thread that it is a child of: PR_SET_PDEATHSIG tells the end of the thread
// that forked.
class NginxProcess::Supervisor {
 public:
  Supervisor(const NginxProcessOptions& options,
             const std::function<void(const std::string& why)>& on_death, Counter& deaths)
      : options_(options),
        on_death_(on_death),
        deaths_(deaths),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { Run(); }) {}
  ~Supervisor() {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    const uint64_t one = 1;
    if (write(wake_.get(), &one, sizeof(one)) != sizeof(one)) logger_.Error("no wake-up");
    thread_.join();
  }

  pid_t pid() const {
    absl::MutexLock lock(&mu_);
    return pid_;
  }
  uint64_t deaths() const {
    absl::MutexLock lock(&mu_);
    return lives_ended_;
  }
  void OnAnswer() {
    absl::MutexLock lock(&mu_);
    ++answers_;
  }
  Asked asked() const {
    absl::MutexLock lock(&mu_);
    return {lives_ended_, answers_};
  }
  void Kill() const {
    absl::MutexLock lock(&mu_);
    if (pid_ != 0) kill(-pid_, SIGKILL);
  }
  // FailedPrecondition if there is no nginx just now.
  Status Signal(int signal) const {
    absl::MutexLock lock(&mu_);
    if (pid_ == 0) return FailedPrecondition("nginx is not running");
    if (kill(pid_, signal) != 0) return Unavailable("kill: %s", strerror(errno));
    return Ok();
  }

 private:
  void Run() {
    Duration delay = kRestartDelay;
    while (!Stopping()) {
      const Timestamp born = Now();
      const std::string why = Live();
      if (Stopping()) return;
      deaths_.Add();
      logger_.Error("nginx died", {{"why", why}});
      if (on_death_) on_death_(why);
      delay = Now() - born > kLongLife ? kRestartDelay : std::min(2 * delay, kRestartDelayMax);
      WaitForStop(delay);
    }
  }
  // From the start of an nginx to its end: why it ended.
  std::string Live() {
    unlink(options_.status_socket.c_str());  // One that is left over cannot be bound again.
    const StatusOr<pid_t> pid =
        StartChild(Command(options_, options_.folder + "/nginx.conf"),
                   {.error_fd = -1, .own_group = true, .parent_death_signal = SIGTERM});
    if (!pid.ok()) {
      End();
      return MessageOf(pid.status());
    }
    {
      absl::MutexLock lock(&mu_);
      pid_ = *pid;
    }
    const UniqueFd ended = WatchProcess(*pid);
    pollfd waiting[2] = {{.fd = ended.get(), .events = POLLIN, .revents = 0},
                         {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    while (poll(waiting, 2, -1) < 0 && errno == EINTR) {
    }
    if (waiting[0].revents == 0) return EndGently(*pid);
    return Bury(*pid);
  }
  std::string EndGently(pid_t pid) {
    if (!HttpGet(options_.status_socket, "localhost", kStatusPath, kStatusLimit).ok()) {
      return Bury(pid);
    }
    const std::pair<int, Duration> steps[] = {{SIGQUIT, kQuitLimit}, {SIGTERM, kTerminateLimit}};
    for (const auto& [signal, limit] : steps) {
      kill(pid, signal);
      const UniqueFd ended = WatchProcess(pid);
      pollfd waiting{.fd = ended.get(), .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, MillisUntil(Now() + limit)) > 0) break;
    }
    return Bury(pid);
  }
  // The workers of a master that was killed go on, and hold its ports: they have to go too.
  std::string Bury(pid_t pid) {
    kill(-pid, SIGKILL);
    int status = 0;
    End();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    Await(kTerminateLimit, [&] { return kill(-pid, 0) != 0; });
    return DescribeEnd(status);
  }
  void End() {
    absl::MutexLock lock(&mu_);
    pid_ = 0;
    ++lives_ended_;
    answers_ = 0;
  }
  bool Stopping() const {
    absl::MutexLock lock(&mu_);
    return stopping_;
  }
  void WaitForStop(Duration limit) {
    pollfd waiting{.fd = wake_.get(), .events = POLLIN, .revents = 0};
    poll(&waiting, 1, MillisUntil(Now() + limit));
  }

  const NginxProcessOptions& options_;
  const std::function<void(const std::string& why)>& on_death_;
  Counter& deaths_;
  const Logger logger_{"nginx"};
  const UniqueFd wake_;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  pid_t pid_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t lives_ended_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t answers_ ABSL_GUARDED_BY(mu_) = 0;  // Of this life.
  std::thread thread_;
};

NginxProcess::NginxProcess(const NginxProcessOptions& options,
                           std::function<void(const std::string& why)> on_death,
                           MetricRegistry& metrics)
    : options_(WithEnding(options)),
      on_death_(std::move(on_death)),
      deaths_(metrics.AddCounter({.name = "strata_engine_nginx_deaths_total",
                                  .help = "Times that nginx ended by itself.",
                                  .number = kMetricNginxDeaths})),
      reloads_(metrics.AddCounter({.name = "strata_engine_nginx_reloads_total",
                                   .help = "Configurations that nginx has taken over.",
                                   .number = kMetricNginxReloads})) {}

NginxProcess::~NginxProcess() { Stop(); }

Status NginxProcess::Test(const std::string& configuration) const {
  std::vector<std::string> command = Command(options_, configuration);
  command.emplace_back("-t");
  std::string said;
  const Status status = RunChild(command, kTestLimit, said);
  if (status.ok() || status.code() == StatusCode::kDeadlineExceeded) return status;
  if (said.empty()) return status;
  return InvalidArgument("nginx refuses the configuration: %s", said.c_str());
}

Status NginxProcess::Start(uint64_t generation) {
  Stop();
  StopStale();
  const off_t log = SizeOf(options_.error_log);
  supervisor_ = std::make_unique<Supervisor>(options_, on_death_, deaths_);
  // An address that is in use may be free in a moment: nginx tries again by itself.
  const Status status = AwaitGeneration(generation, kStartLimit, 0);
  if (status.ok()) return status;
  const std::string said = EmergencyIn(options_.error_log, log, 0);
  Stop();
  return said.empty() ? status : Unavailable("nginx does not start: %s", said.c_str());
}

Status NginxProcess::Reload(uint64_t generation) {
  if (!supervisor_) return FailedPrecondition("nginx was not started");
  const off_t log = SizeOf(options_.error_log);
  const std::vector<pid_t> before = ChildrenOf(pid());
  // One that has just died takes the new configuration when it is started again.
  const bool running = supervisor_->Signal(SIGHUP).ok();
  const Status status = AwaitGeneration(generation, kReloadLimit, pid());
  if (status.ok()) {
    AwaitRetirement(before, options_.ending);
    reloads_.Add();
    return status;
  }
  const std::string said = EmergencyIn(options_.error_log, log, pid());
  return said.empty() || !running ? status : Unavailable("nginx does not reload: %s", said.c_str());
}

void NginxProcess::ReloadAgain() const {
  if (supervisor_) supervisor_->Signal(SIGHUP).IgnoreError();
}

Status NginxProcess::ReopenLogs() const {
  if (!supervisor_) return FailedPrecondition("nginx was not started");
  return supervisor_->Signal(SIGUSR1);
}

void NginxProcess::Kill() const {
  if (supervisor_) supervisor_->Kill();
}

void NginxProcess::Stop() { supervisor_.reset(); }

StatusOr<std::string> NginxProcess::Ask(std::string_view path) const {
  StatusOr<HttpAnswer> answer =
      HttpGet(options_.status_socket, "localhost", path, kStatusLimit, options_.ending);
  STRATA_RETURN_IF_ERROR(answer);
  if (supervisor_) supervisor_->OnAnswer();
  return std::move(answer->body);
}

NginxProcess::Asked NginxProcess::asked() const {
  return supervisor_ ? supervisor_->asked() : Asked();
}

pid_t NginxProcess::pid() const { return supervisor_ ? supervisor_->pid() : 0; }

Status NginxProcess::AwaitGeneration(uint64_t generation, Duration limit, pid_t master) const {
  const std::string wanted = std::to_string(generation) + "\n";
  const uint64_t deaths = supervisor_->deaths();
  const off_t log = SizeOf(options_.error_log);
  Status last = DeadlineExceeded("no answer");
  bool serves = false;
  Await(limit, [&] {
    const StatusOr<std::string> answer = Ask(kGenerationPath);
    serves = answer.ok() && *answer == wanted;
    if (!answer.ok()) last = answer.status();
    // It has given up: nobody has to wait for the rest of the time.
    const bool failed = supervisor_->deaths() != deaths ||
                        (master != 0 && !EmergencyIn(options_.error_log, log, master).empty());
    return serves || failed || options_.ending();
  });
  if (serves) return Ok();
  return DeadlineExceeded("nginx does not serve this configuration: %s", MessageOf(last).c_str());
}

void NginxProcess::StopStale() const {
  const auto tell = [this](int signal) {
    const std::vector<pid_t> pids = ProcessesOf(options_);
    for (const pid_t pid : pids) kill(pid, signal);
    return pids.empty();
  };
  if (tell(SIGTERM)) return;
  Logger("nginx").Warning("stopping what an earlier life left behind");
  const auto gone = [this] { return options_.ending() || ProcessesOf(options_).empty(); };
  if (Await(kTerminateLimit, gone)) return;
  Await(kTerminateLimit, [&] { return tell(SIGKILL); });
}

}  // namespace strata::engine
