#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/status.h"
#include "farm/content_identity.h"
#include "farm/member/farm_member.h"
#include "multicast/driver/clock.h"
#include "tests/bench/farm_guest.h"

// Joins a farm as one more engine and tells it RATE changes a second, each of a content that comes
// or goes, until its standard input ends. Prints `joined`, and at the end writes a line for each
// change to OUTPUT: 0, when it was due, what it took from then to its commit (nanoseconds of the
// monotonic clock), 200, or 0 if it was not committed, and 0.
//
//   farm_commits MANAGER,... CERTIFICATES ADDRESS INTERFACE RATE OUTPUT
//
// CERTIFICATES: a folder as `strata pki issue` writes it, of an engine.

namespace strata::bench {
namespace {

using multicast::Now;

constexpr Duration kJoinLimit = std::chrono::seconds(60);
constexpr Duration kLastLimit = std::chrono::seconds(10);
constexpr Duration kRenewEvery = std::chrono::seconds(1);
constexpr Duration kSecond = std::chrono::seconds(1);
constexpr int kCommitted = 200;

struct Plan {
  FarmGuest::Place place;
  size_t rate = 0;
  std::string output;
};

class Commits final : public farm::FarmListener {
 public:
  bool AwaitJoined(Duration limit) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&joined_), absl::FromChrono(limit));
  }

  size_t Begin(Timestamp due) {
    absl::MutexLock lock(&mutex_);
    records_.push_back({due, due, false});
    ++waiting_;
    return records_.size() - 1;
  }

  void End(size_t number, bool committed) {
    const Timestamp now = Now();
    absl::MutexLock lock(&mutex_);
    records_[number].ended = now;
    records_[number].committed = committed;
    --waiting_;
  }

  Status Write(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return waiting_ == 0; };
    mutex_.AwaitWithTimeout(absl::Condition(&none), absl::FromChrono(kLastLimit));
    FILE* const out = std::fopen(path.c_str(), "we");
    if (out == nullptr) return Unavailable("%s: %s", path.c_str(), std::strerror(errno));
    for (const Record& record : records_) {
      std::fprintf(out, "0 %lld %lld %d 0\n", static_cast<long long>(record.due.nanos()),
                   static_cast<long long>((record.ended - record.due).count()),
                   record.committed ? kCommitted : 0);
    }
    return std::fclose(out) == 0 ? Ok() : Unavailable("%s: not written", path.c_str());
  }

 private:
  struct Record {
    Timestamp due;
    Timestamp ended;
    bool committed;
  };

  void OnMessage(const farm::Message&, farm::EngineId) override {}
  void OnView(const multicast::View&, bool joined) override {
    absl::MutexLock lock(&mutex_);
    joined_ = joined;
  }
  void OnState() override {}

  absl::Mutex mutex_;
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Record> records_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

bool InputEnded() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return poll(&input, 1, 0) > 0;
}

farm::AssetsChanged ChangeOf(farm::EngineId engine, size_t number) {
  farm::AssetsChanged changed;
  changed.engine = engine;
  farm::AssetsChanged::Change change;
  change.key = farm::KeyOf("http://commits.example/" + std::to_string(number / 2 % 100));
  if (number % 2 == 0) change.asset.emplace();
  changed.changes.push_back(change);
  return changed;
}

void SayUntilInputEnds(const Plan& plan, FarmGuest& guest, Commits& commits) {
  const Timestamp start = Now();
  for (size_t i = 0; !InputEnded(); ++i) {
    const Timestamp due =
        start + kSecond * static_cast<int64_t>(i) / static_cast<int64_t>(plan.rate);
    std::this_thread::sleep_for(due - Now());
    const size_t number = commits.Begin(due);
    const Status sent =
        guest.member().Send(ChangeOf(guest.id(), i), [&commits, number](farm::SendEnd end) {
          commits.End(number, end == farm::SendEnd::kCommitted);
        });
    if (!sent.ok()) commits.End(number, false);
  }
}

Status Measure(const Plan& plan) {
  MetricRegistry metrics;
  Commits commits;
  STRATA_ASSIGN_OR_RETURN(const auto guest, FarmGuest::Join(plan.place, commits, metrics));
  if (!commits.AwaitJoined(kJoinLimit)) return DeadlineExceeded("not joined in time");
  std::printf("joined\n");
  std::fflush(stdout);
  std::jthread renewing([&guest](const std::stop_token& ending) {
    while (!ending.stop_requested()) {
      if (const Status done = guest->Renew(); !done.ok()) {
        std::fprintf(stderr, "%s\n", MessageOf(done).c_str());
      }
      std::this_thread::sleep_for(kRenewEvery);
    }
  });
  SayUntilInputEnds(plan, *guest, commits);
  const Status written = commits.Write(plan.output);
  renewing.request_stop();
  renewing.join();
  guest->member().Leave();
  return written;
}

std::vector<std::string> Parts(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  using namespace strata;
  const auto address = argc > 3 ? IpAddress::Parse(argv[3]) : InvalidArgument("no address");
  if (argc != 7 || !address.ok()) {
    std::fprintf(stderr,
                 "usage: farm_commits MANAGER,... CERTIFICATES ADDRESS INTERFACE RATE OUTPUT\n");
    return 2;
  }
  const bench::Plan plan = {.place = {.managers = bench::Parts(argv[1]),
                                      .certificates = argv[2],
                                      .address = *address,
                                      .interface = argv[4],
                                      .loopback = false},
                            .rate = std::strtoull(argv[5], nullptr, 10),
                            .output = argv[6]};
  const Status done = plan.rate > 0 ? bench::Measure(plan) : InvalidArgument("no rate");
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", MessageOf(done).c_str());
  return 1;
}
