#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "farm/content_identity.h"
#include "farm/member/farm_member.h"
#include "multicast/driver/clock.h"
#include "tests/bench/farm_guest.h"

// Joins a farm as one more engine, makes files appear in the libraries of others by renames, RATE a
// second, at each library in turn, and notes when the farm tells it of each. Prints `name value`
// lines: changes, missed (not told of within some seconds), rate, and p50_us, p99_us, max_us from
// before the rename to the committed message.
//
//   farm_changes MANAGER CERTIFICATES ADDRESS FOLDER HOST RATE SECONDS LIBRARY...
//
// CERTIFICATES: a folder as `strata pki issue` writes it, of an engine. ADDRESS: its own, on the
// loopback interface. FOLDER: on the libraries' file system. HOST: the first of the site whose
// folders the libraries are.

namespace strata::bench {
namespace {

using multicast::Now;

constexpr Duration kJoinLimit = std::chrono::seconds(30);
constexpr Duration kLastLimit = std::chrono::seconds(10);
constexpr Duration kSettle = std::chrono::seconds(2);

struct Plan {
  std::string manager;
  std::string certificates;
  IpAddress address;
  std::string folder;
  std::string host;
  size_t rate = 0;
  size_t seconds = 0;
  std::vector<std::string> libraries;

  size_t changes() const { return rate * seconds; }
};

class Observer final : public farm::FarmListener {
 public:
  explicit Observer(const Plan& plan) : seen_(plan.changes()) {
    for (size_t i = 0; i < plan.changes(); ++i) {
      numbers_[farm::KeyOf("http://" + plan.host + "/" + std::to_string(i))] = i;
    }
  }

  bool AwaitJoined(Duration limit) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&joined_), absl::FromChrono(limit));
  }

  // When each was seen; at least once the limit is over.
  std::vector<Timestamp> AwaitAll(Duration limit) {
    absl::MutexLock lock(&mutex_);
    const auto all = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return count_ == seen_.size(); };
    mutex_.AwaitWithTimeout(absl::Condition(&all), absl::FromChrono(limit));
    return seen_;
  }

 private:
  void OnMessage(const farm::Message& message, farm::EngineId) override {
    const Timestamp now = Now();
    const auto* changed = std::get_if<farm::AssetsChanged>(&message);
    if (changed == nullptr) return;
    absl::MutexLock lock(&mutex_);
    for (const farm::AssetsChanged::Change& change : changed->changes) {
      const auto number = numbers_.find(change.key);
      if (number == numbers_.end() || !change.asset) continue;
      Timestamp& seen = seen_[number->second];
      if (seen != Timestamp()) continue;
      seen = now;
      ++count_;
    }
  }

  void OnView(const multicast::View&, bool joined) override {
    absl::MutexLock lock(&mutex_);
    joined_ = joined;
  }

  void OnState() override {}

  absl::flat_hash_map<farm::ContentKey, size_t> numbers_;  // Constant.
  absl::Mutex mutex_;
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Timestamp> seen_ ABSL_GUARDED_BY(mutex_);
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::string Staged(const Plan& plan, size_t i) { return plan.folder + "/" + std::to_string(i); }

Status Stage(const Plan& plan) {
  for (size_t i = 0; i < plan.changes(); ++i) {
    const std::string path = Staged(plan, i);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return Unavailable("%s: %s", path.c_str(), std::strerror(errno));
    const bool written = write(fd, path.data(), path.size()) > 0;
    if (close(fd) != 0 || !written) return Unavailable("%s: not written", path.c_str());
  }
  return Ok();
}

// At a steady pace; when each was renamed.
StatusOr<std::vector<Timestamp>> RenameAll(const Plan& plan) {
  std::vector<Timestamp> renamed;
  renamed.reserve(plan.changes());
  const Timestamp start = Now();
  for (size_t i = 0; i < plan.changes(); ++i) {
    const Duration due = std::chrono::nanoseconds(i * 1'000'000'000 / plan.rate);
    std::this_thread::sleep_for(due - (Now() - start));
    const std::string to = plan.libraries[i % plan.libraries.size()] + "/" + std::to_string(i);
    renamed.push_back(Now());
    if (rename(Staged(plan, i).c_str(), to.c_str()) != 0) {
      return Unavailable("%s: %s", to.c_str(), std::strerror(errno));
    }
  }
  return renamed;
}

void Print(const std::vector<Timestamp>& renamed, const std::vector<Timestamp>& seen) {
  std::vector<double> took;
  for (size_t i = 0; i < renamed.size(); ++i) {
    if (seen[i] != Timestamp()) took.push_back(Seconds(seen[i] - renamed[i]) * 1e6);
  }
  const double seconds = Seconds(renamed.back() - renamed.front());
  std::printf("changes %zu\nmissed %zu\n", renamed.size(), renamed.size() - took.size());
  std::printf("rate %.1f\n", static_cast<double>(renamed.size() - 1) / seconds);
  if (took.empty()) return;
  std::sort(took.begin(), took.end());
  std::printf("p50_us %.1f\n", took[took.size() / 2]);
  std::printf("p99_us %.1f\n", took[took.size() * 99 / 100]);
  std::printf("max_us %.1f\n", took.back());
}

Status Measure(const Plan& plan) {
  MetricRegistry metrics;
  Observer observer(plan);
  const FarmGuest::Place place = {.managers = {plan.manager},
                                  .certificates = plan.certificates,
                                  .address = plan.address,
                                  .interface = "lo",
                                  .loopback = true};
  STRATA_ASSIGN_OR_RETURN(const auto guest, FarmGuest::Join(place, observer, metrics));
  if (!observer.AwaitJoined(kJoinLimit)) return DeadlineExceeded("not joined in time");
  Status status = Stage(plan);
  if (status.ok()) {
    std::this_thread::sleep_for(kSettle);  // The disk has its files, the farm its new member.
    const auto renamed = RenameAll(plan);
    status = renamed.status();
    if (renamed.ok()) Print(*renamed, observer.AwaitAll(kLastLimit));
  }
  guest->member().Leave();
  return status;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  using namespace strata;
  const auto address = argc > 3 ? IpAddress::Parse(argv[3]) : InvalidArgument("no address");
  if (argc < 9 || !address.ok()) {
    std::fprintf(stderr,
                 "usage: farm_changes MANAGER CERTIFICATES ADDRESS FOLDER HOST RATE SECONDS "
                 "LIBRARY...\n");
    return 2;
  }
  bench::Plan plan{argv[1], argv[2], *address, argv[4], argv[5], 0, 0, {argv + 8, argv + argc}};
  plan.rate = std::strtoull(argv[6], nullptr, 10);
  plan.seconds = std::strtoull(argv[7], nullptr, 10);
  const Status done = plan.changes() > 1 ? bench::Measure(plan) : InvalidArgument("too few");
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", MessageOf(done).c_str());
  return 1;
}
