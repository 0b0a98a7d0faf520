#include "tests/simulation/campaign.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <sstream>

#include "common/check.h"
#include "tests/simulation/simulation.h"

namespace strata::simulation {

namespace {

constexpr unsigned kSeedSecondsMax = 120;  // Of real time.

// One line about one seed, and back. A failure's text comes last, up to the end of the line.
std::string ToLine(const RunResult& result) {
  std::ostringstream out;
  out << "R " << result.seed << ' ' << result.commits << ' ' << result.turns;
  for (uint64_t count : result.events) out << ' ' << count;
  out << ' ' << result.economy.gaps << ' ' << result.economy.requests << ' '
      << result.economy.lost_bytes << ' ' << result.economy.repair_bytes;
  if (!result.failures.empty()) {
    std::string what = result.failures.front().what;
    std::replace(what.begin(), what.end(), '\n', ' ');
    out << ' ' << result.failures.front().checker << ' ' << what;
  }
  out << '\n';
  return out.str();
}

void AddLine(const std::string& line, CampaignResult& result) {
  std::istringstream in(line);
  uint64_t seed = 0;
  uint64_t commits = 0;
  uint64_t turns = 0;
  in >> seed >> commits >> turns;
  result.commits += commits;
  result.turns += turns;
  for (uint64_t& total : result.events) {
    uint64_t count = 0;
    in >> count;
    total += count;
  }
  Economy economy;
  in >> economy.gaps >> economy.requests >> economy.lost_bytes >> economy.repair_bytes;
  result.economy += economy;
  ++result.run;
  std::string checker;
  if (in >> checker) {
    std::string what;
    std::getline(in, what);
    result.failures.push_back({seed, checker, what});
  } else {
    ++result.clean;
  }
}

void WriteAll(int fd, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    ssize_t n = write(fd, text.data() + written, text.size() - written);
    if (n <= 0) _exit(3);
    written += static_cast<size_t>(n);
  }
}

// One worker process and the seeds it still has to run: first, first + step, ... below end.
class Worker {
 public:
  Worker(uint64_t first, uint64_t step, uint64_t end, const CampaignOptions& options)
      : next_(first), step_(step), end_(end), options_(options) {
    Launch();
  }
  ~Worker() { Stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool done() const { return fd_ < 0; }
  int fd() const { return fd_; }
  // Reads what is there; adds finished seeds to `result`.
  void Read(CampaignResult& result);

 private:
  void Launch();
  void Stop();
  void Ended(CampaignResult& result);
  [[noreturn]] void RunSeeds(int fd);

  uint64_t next_;
  uint64_t step_;
  uint64_t end_;
  const CampaignOptions& options_;
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string buffer_;
};

void Worker::Launch() {
  if (next_ >= end_) return;
  int ends[2];
  STRATA_CHECK(pipe(ends) == 0);
  pid_ = fork();
  STRATA_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    close(ends[0]);
    RunSeeds(ends[1]);
  }
  close(ends[1]);
  fd_ = ends[0];
  buffer_.clear();
}

void Worker::RunSeeds(int fd) {
  signal(SIGALRM, SIG_DFL);
  if (options_.before) options_.before();
  for (uint64_t seed = next_; seed < end_; seed += step_) {
    alarm(kSeedSecondsMax);
    WriteAll(fd, ToLine(RunSeed(seed)));
  }
  _exit(0);
}

void Worker::Stop() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Worker::Read(CampaignResult& result) {
  char bytes[65536];
  ssize_t n = read(fd_, bytes, sizeof(bytes));
  if (n <= 0) {
    Ended(result);
    return;
  }
  buffer_.append(bytes, static_cast<size_t>(n));
  size_t from = 0;
  for (size_t at; (at = buffer_.find('\n', from)) != std::string::npos; from = at + 1) {
    AddLine(buffer_.substr(from + 2, at - from - 2), result);
    next_ += step_;
  }
  buffer_.erase(0, from);
}

void Worker::Ended(CampaignResult& result) {
  close(fd_);
  fd_ = -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  bool hang = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  std::string what = hang ? "no end in " + std::to_string(kSeedSecondsMax) + " s"
                          : "the process died with status " + std::to_string(status);
  result.failures.push_back({next_, hang ? "hang" : "crash", what});
  ++result.run;
  next_ += step_;
  if (!options_.stop_at_first_failure) Launch();
}

}  // namespace

CampaignResult RunCampaign(const CampaignOptions& options) {
  fflush(nullptr);
  CampaignResult result;
  auto jobs = static_cast<uint64_t>(std::max(1, options.jobs));
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < jobs; ++i) {
    workers.push_back(std::make_unique<Worker>(options.first_seed + i, jobs,
                                               options.first_seed + options.seeds, options));
  }
  while (true) {
    std::vector<pollfd> polled;
    std::vector<Worker*> waiting;
    for (auto& worker : workers) {
      if (worker->done()) continue;
      polled.push_back({worker->fd(), POLLIN, 0});
      waiting.push_back(worker.get());
    }
    if (waiting.empty()) break;
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    for (size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents != 0) waiting[i]->Read(result);
    }
    if (options.progress) options.progress(result.run);
    if (options.stop_at_first_failure && !result.failures.empty()) break;
  }
  std::sort(result.failures.begin(), result.failures.end(),
            [](const SeedFailure& a, const SeedFailure& b) { return a.seed < b.seed; });
  return result;
}

std::string EventsTable(const EventCounts& events, uint64_t least) {
  std::string table;
  for (size_t i = 0; i < kEvents; ++i) {
    char line[128];
    snprintf(line, sizeof(line), "  %-48s %10" PRIu64 "%s\n",
             ToString(static_cast<Event>(i)).data(), events[i],
             events[i] < least ? "  TOO FEW" : "");
    table += line;
  }
  return table;
}

std::string ReplayCommand(uint64_t seed) {
  return "bazel run //tests/simulation:simulate -- --seed " + std::to_string(seed) + " --trace";
}

}  // namespace strata::simulation
