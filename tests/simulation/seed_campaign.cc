#include "tests/simulation/seed_campaign.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <sstream>
#include <utility>

#include "common/check.h"

namespace strata::simulation {

namespace {

using SeedRun = std::function<SeedReport(uint64_t seed)>;

constexpr unsigned kSeedSecondsMax = 120;  // Of real time.

void WriteAll(int fd, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    ssize_t n = write(fd, text.data() + written, text.size() - written);
    if (n <= 0) _exit(3);
    written += static_cast<size_t>(n);
  }
}

// What a worker process tells of a seed, and back: its counts, then, of one that failed, the
// checker and what it said, up to the end of the line.
std::string ToLine(const SeedReport& report) {
  std::string line = std::to_string(report.counts.size());
  for (const uint64_t count : report.counts) line += ' ' + std::to_string(count);
  if (!report.failures.empty()) {
    line += ' ' + report.failures.front().checker + ' ' + report.failures.front().what;
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line + '\n';
}

// True if the seed failed.
bool AddLine(uint64_t seed, const std::string& line, SeedTotals& totals) {
  std::istringstream in(line);
  size_t counts = 0;
  in >> counts;
  totals.counts.resize(std::max(totals.counts.size(), counts));
  for (size_t i = 0; i < counts; ++i) {
    uint64_t count = 0;
    in >> count;
    totals.counts[i] += count;
  }
  ++totals.run;
  SeedFailure failure{.seed = seed, .checker = {}, .what = {}};
  if (!(in >> failure.checker)) return false;
  std::getline(in >> std::ws, failure.what);
  totals.failures.push_back(std::move(failure));
  return true;
}

// One worker process and its seeds: first, first + step, ... below end.
class Worker {
 public:
  struct Seeds {
    uint64_t first = 0;
    uint64_t step = 1;
    uint64_t end = 0;
  };
  Worker(const Seeds& seeds, const CampaignOptions& options, const SeedRun& run, SeedTotals& totals)
      : seeds_(seeds), options_(options), run_(run), totals_(totals) {
    Launch();
  }
  ~Worker() { Stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool done() const { return fd_ < 0; }
  int fd() const { return fd_; }
  uint64_t ended() const { return ended_; }  // Seeds.
  bool failed() const { return failed_; }    // One of them.
  // Reads what is there, and tells of finished seeds.
  void Read();

 private:
  void Launch();
  void Stop();
  void Ended();
  void Advance(bool failed);
  [[noreturn]] void RunSeeds(int fd);

  Seeds seeds_;  // That it has still to run.
  const CampaignOptions& options_;
  const SeedRun& run_;
  SeedTotals& totals_;
  uint64_t ended_ = 0;
  bool failed_ = false;
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string buffer_;
};

void Worker::Launch() {
  if (seeds_.first >= seeds_.end) return;
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
  for (uint64_t seed = seeds_.first; seed < seeds_.end; seed += seeds_.step) {
    alarm(kSeedSecondsMax);
    WriteAll(fd, ToLine(run_(seed)));
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

void Worker::Advance(bool failed) {
  seeds_.first += seeds_.step;
  ++ended_;
  failed_ = failed_ || failed;
}

void Worker::Read() {
  char bytes[65536];
  ssize_t n = read(fd_, bytes, sizeof(bytes));
  if (n <= 0) {
    Ended();
    return;
  }
  buffer_.append(bytes, static_cast<size_t>(n));
  size_t from = 0;
  for (size_t at; (at = buffer_.find('\n', from)) != std::string::npos; from = at + 1) {
    Advance(AddLine(seeds_.first, buffer_.substr(from, at - from), totals_));
  }
  buffer_.erase(0, from);
}

void Worker::Ended() {
  close(fd_);
  fd_ = -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  bool hang = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  std::string what = hang ? "no end in " + std::to_string(kSeedSecondsMax) + " s"
                          : "the process died with status " + std::to_string(status);
  ++totals_.run;
  totals_.failures.push_back({seeds_.first, hang ? "hang" : "crash", what});
  Advance(true);
  if (!options_.stop_at_first_failure) Launch();
}

// Waits until workers that are not done have something to read, and lets them. False: all are done.
bool ReadSome(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<pollfd> polled;
  std::vector<Worker*> waiting;
  for (const auto& worker : workers) {
    if (worker->done()) continue;
    polled.push_back({worker->fd(), POLLIN, 0});
    waiting.push_back(worker.get());
  }
  if (waiting.empty()) return false;
  if (poll(polled.data(), polled.size(), -1) < 0) return true;
  for (size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents != 0) waiting[i]->Read();
  }
  return true;
}

}  // namespace

SeedTotals RunSeeds(const CampaignOptions& options, const SeedRun& run) {
  fflush(nullptr);
  SeedTotals totals;
  auto jobs = static_cast<uint64_t>(std::max(1, options.jobs));
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < jobs; ++i) {
    const Worker::Seeds seeds{options.first_seed + i, jobs, options.first_seed + options.seeds};
    workers.push_back(std::make_unique<Worker>(seeds, options, run, totals));
  }
  while (ReadSome(workers)) {
    uint64_t ended = 0;
    bool failed = false;
    for (const auto& worker : workers) {
      ended += worker->ended();
      failed = failed || worker->failed();
    }
    if (options.progress) options.progress(ended);
    if (options.stop_at_first_failure && failed) break;
  }
  std::sort(totals.failures.begin(), totals.failures.end(),
            [](const SeedFailure& a, const SeedFailure& b) { return a.seed < b.seed; });
  return totals;
}

std::string CountsTable(std::span<const uint64_t> counts, std::string_view (*name)(size_t event),
                        uint64_t least) {
  std::string table;
  for (size_t i = 0; i < counts.size(); ++i) {
    char line[128];
    snprintf(line, sizeof(line), "  %-48s %10" PRIu64 "%s\n", name(i).data(), counts[i],
             counts[i] < least ? "  TOO FEW" : "");
    table += line;
  }
  return table;
}

}  // namespace strata::simulation
