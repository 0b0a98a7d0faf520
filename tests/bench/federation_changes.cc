#include <stdio.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
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
#include "tests/bench/location_watch.h"

// Joins a farm as one more engine and tells it changes: contents that come, until it has HELD, and
// from then on in turns the oldest one that goes and a new one that comes. Each has a URI of 100
// bytes of its own, which no other one has had. RATE changes a second, or with 0 as many as it may
// tell. With a PARENT, the manager of a scope above, it looks all the time when one of the new
// contents is known there.
//
//   federation_changes MANAGER CERTIFICATES ADDRESS HOST HELD RATE [PARENT OPERATOR]
//
// CERTIFICATES, OPERATOR: folders as `strata pki issue` writes them, of an engine and of an
// operator. ADDRESS: its own, on the loopback interface. HOST: the first of a site.
//
// Prints `joined`. Each line of its standard input is answered by `told CHANGES HELD`, the changes
// it has told and the contents it has now:
//
//   allow N   it may have told N changes in all
//   watch     what was watched so far does not count
//   stop      no more changes; answered when all of them are committed and their URIs told
//
// When the input ends it prints `visible_us N` for each content that it watched, and leaves.

namespace strata::bench {
namespace {

using multicast::Now;

constexpr Duration kJoinLimit = std::chrono::seconds(60);
constexpr Duration kLastLimit = std::chrono::seconds(20);
constexpr Duration kRenewEvery = std::chrono::seconds(1);
constexpr Duration kTellAgainAfter = std::chrono::milliseconds(100);
constexpr Duration kSecond = std::chrono::seconds(1);
// As an engine has them.
constexpr size_t kChangesOfMessage = 500;
constexpr size_t kOnTheirWayMax = 16;
constexpr size_t kUrisPerCall = 5000;
constexpr Duration kTellUrisEvery = std::chrono::milliseconds(20);
// With a pace there is a message each two milliseconds.
constexpr size_t kMessagesPerSecond = 500;
constexpr size_t kUrisWaitingMax = 20'000;
constexpr size_t kUriBytes = 100;
constexpr uint64_t kContentBytes = 1 << 20;

struct Plan {
  FarmGuest::Place place;
  std::string host;
  size_t held = 0;
  size_t rate = 0;
  std::string parent;
  std::string its_operator;
};

// What is on its way to its commit. Any thread.
class Flights final : public farm::FarmListener {
 public:
  bool AwaitJoined(Duration limit) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&joined_), absl::FromChrono(limit));
  }
  // Until there is room for one more, which is then on its way.
  void Begin() {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_ < kOnTheirWayMax; };
    mutex_.Await(absl::Condition(&room));
    ++open_;
  }
  void End(bool committed) {
    absl::MutexLock lock(&mutex_);
    --open_;
    if (!committed) failed_ = true;
  }
  // Until none is on its way. Whether all were committed.
  bool AwaitAll(Duration limit) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_ == 0; };
    return mutex_.AwaitWithTimeout(absl::Condition(&none), absl::FromChrono(limit)) && !failed_;
  }

 private:
  void OnMessage(const farm::Message&, farm::EngineId) override {}
  void OnView(const multicast::View&, bool joined) override {
    absl::MutexLock lock(&mutex_);
    joined_ = joined;
  }
  void OnState() override {}

  absl::Mutex mutex_;
  bool joined_ ABSL_GUARDED_BY(mutex_) = false;
  size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
};

// Renews the registration, and tells URIs, as often as an engine; on a thread of its own.
class Caller {
 public:
  explicit Caller(FarmGuest& guest) : guest_(guest), thread_([this] { Loop(); }) {}
  ~Caller() {
    {
      absl::MutexLock lock(&mutex_);
      ending_ = true;
    }
    thread_.join();
  }

  // Waits while too many do.
  void Tell(std::vector<std::string> uris) {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return uris_.size() < kUrisWaitingMax; };
    mutex_.Await(absl::Condition(&room));
    for (std::string& uri : uris) uris_.push_back(std::move(uri));
  }
  // Until none waits.
  bool AwaitTold(Duration limit) {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return uris_.empty() && !telling_; };
    return mutex_.AwaitWithTimeout(absl::Condition(&none), absl::FromChrono(limit));
  }

 private:
  void Loop() {
    Timestamp renew_at = Now();
    while (!AwaitEnd(kTellUrisEvery)) {
      if (Now() >= renew_at) {
        Say(guest_.Renew());
        renew_at = Now() + kRenewEvery;
      }
      for (auto uris = Take(); !uris.empty(); uris = Take()) {
        while (!Say(guest_.TellUris(uris))) std::this_thread::sleep_for(kTellAgainAfter);
      }
    }
  }
  bool AwaitEnd(Duration limit) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&ending_), absl::FromChrono(limit));
  }
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> taken;
    while (!uris_.empty() && taken.size() < kUrisPerCall) {
      taken.push_back(std::move(uris_.front()));
      uris_.pop_front();
    }
    telling_ = !taken.empty();
    return taken;
  }
  static bool Say(const Status& done) {
    if (!done.ok()) std::fprintf(stderr, "%s\n", MessageOf(done).c_str());
    return done.ok();
  }

  FarmGuest& guest_;
  absl::Mutex mutex_;
  std::deque<std::string> uris_ ABSL_GUARDED_BY(mutex_);
  bool telling_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// What the guest has, and its changes. One thread.
class Contents {
 public:
  Contents(farm::EngineId engine, const Plan& plan) : engine_(engine), plan_(plan) {}

  struct Step {
    farm::AssetsChanged message;
    std::vector<std::string> uris;  // Of those that come.
  };
  Step Next(size_t changes) {
    Step step;
    step.message.engine = engine_;
    for (size_t i = 0; i < changes; ++i) {
      farm::AssetsChanged::Change& change = step.message.changes.emplace_back();
      if (keys_.size() < plan_.held || goes_) {
        step.uris.push_back(UriOf(number_++));
        change.key = farm::KeyOf(step.uris.back());
        change.asset = farm::Asset{.size = kContentBytes, .validator = "\"5f3c8a21-100000\""};
        keys_.push_back(change.key);
        goes_ = false;
      } else {
        change.key = keys_.front();
        keys_.pop_front();
        goes_ = true;
      }
    }
    return step;
  }
  size_t held() const { return keys_.size(); }

 private:
  std::string UriOf(uint64_t number) const {
    std::string uri = "http://" + plan_.host + "/" + std::to_string(number) + "/";
    uri.resize(std::max(uri.size(), kUriBytes), 'f');
    return uri;
  }

  const farm::EngineId engine_;
  const Plan& plan_;
  std::deque<farm::ContentKey> keys_;  // The oldest first.
  uint64_t number_ = 0;
  bool goes_ = false;  // The last change was of one that goes.
};

// Tells changes, on a thread of its own.
class Sender {
 public:
  Sender(const Plan& plan, FarmGuest& guest, Flights& flights, Caller& caller, LocationWatch* watch)
      : plan_(plan),
        guest_(guest),
        flights_(flights),
        caller_(caller),
        watch_(watch),
        contents_(guest.id(), plan),
        thread_([this] { Loop(); }) {}
  ~Sender() { Stop(); }

  void Allow(uint64_t changes) {
    absl::MutexLock lock(&mutex_);
    allowed_ = changes;
  }
  // No message is sent any more.
  void Stop() {
    {
      absl::MutexLock lock(&mutex_);
      stop_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }
  void Print() {
    absl::MutexLock lock(&mutex_);
    std::printf("told %llu %zu\n", static_cast<unsigned long long>(told_), held_);
    std::fflush(stdout);
  }

 private:
  size_t ChangesOfMessage() const {
    if (plan_.rate == 0) return kChangesOfMessage;
    return std::max<size_t>(plan_.rate / kMessagesPerSecond, 1);
  }
  bool AwaitAllowed(uint64_t changes) {
    absl::MutexLock lock(&mutex_);
    const auto may = [this, changes]()
                         ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_ || changes <= allowed_; };
    mutex_.Await(absl::Condition(&may));
    return !stop_;
  }
  void Loop() {
    const size_t size = ChangesOfMessage();
    std::optional<Timestamp> start;
    for (uint64_t told = 0; AwaitAllowed(told + size); told += size) {
      if (!start) start = Now();
      if (plan_.rate > 0) {
        std::this_thread::sleep_for(*start + kSecond * told / plan_.rate - Now());
      }
      Send(contents_.Next(size));
      absl::MutexLock lock(&mutex_);
      told_ = told + size;
      held_ = contents_.held();
    }
  }
  void Send(Contents::Step step) {
    if (watch_ != nullptr && !step.uris.empty()) watch_->Offer(step.uris.front(), Now());
    flights_.Begin();
    const Status sent =
        guest_.member().Send(step.message, [&flights = flights_](farm::SendEnd end) {
          flights.End(end == farm::SendEnd::kCommitted);
        });
    if (!sent.ok()) flights_.End(false);
    caller_.Tell(std::move(step.uris));
  }

  const Plan& plan_;
  FarmGuest& guest_;
  Flights& flights_;
  Caller& caller_;
  LocationWatch* const watch_;
  Contents contents_;
  absl::Mutex mutex_;
  uint64_t allowed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t told_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t held_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

Status FollowInput(Sender& sender, Flights& flights, Caller& caller, LocationWatch* watch) {
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("allow ")) {
      sender.Allow(std::strtoull(line.c_str() + 6, nullptr, 10));
    } else if (line == "watch" && watch != nullptr) {
      watch->Clear();
    } else if (line == "stop") {
      sender.Stop();
      if (!flights.AwaitAll(kLastLimit)) return Unavailable("not all changes were committed");
      if (!caller.AwaitTold(kLastLimit)) return Unavailable("not all URIs were told");
    } else {
      return InvalidArgument("%s: no such order", line.c_str());
    }
    sender.Print();
  }
  return Ok();
}

Status Run(const Plan& plan) {
  MetricRegistry metrics;
  Flights flights;
  STRATA_ASSIGN_OR_RETURN(const auto guest, FarmGuest::Join(plan.place, flights, metrics));
  if (!flights.AwaitJoined(kJoinLimit)) return DeadlineExceeded("not joined in time");
  std::unique_ptr<LocationWatch> watch;
  if (!plan.parent.empty()) {
    STRATA_ASSIGN_OR_RETURN(watch, LocationWatch::Start(plan.parent, plan.its_operator));
  }
  Status ended;
  {
    Caller caller(*guest);
    Sender sender(plan, *guest, flights, caller, watch.get());
    std::printf("joined\n");
    std::fflush(stdout);
    ended = FollowInput(sender, flights, caller, watch.get());
  }
  if (watch != nullptr) {
    const StatusOr<std::vector<Duration>> took = watch->Stop();
    if (ended.ok()) ended = took.status();
    if (took.ok()) {
      for (const Duration one : *took) std::printf("visible_us %.1f\n", Seconds(one) * 1e6);
    }
  }
  guest->member().Leave();
  return ended;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  using namespace strata;
  const auto address = argc > 3 ? IpAddress::Parse(argv[3]) : InvalidArgument("no address");
  if ((argc != 7 && argc != 9) || !address.ok()) {
    std::fprintf(stderr,
                 "usage: federation_changes MANAGER CERTIFICATES ADDRESS HOST HELD RATE "
                 "[PARENT OPERATOR]\n");
    return 2;
  }
  const bench::Plan plan = {.place = {.managers = {argv[1]},
                                      .certificates = argv[2],
                                      .address = *address,
                                      .interface = "lo",
                                      .loopback = true},
                            .host = argv[4],
                            .held = std::strtoull(argv[5], nullptr, 10),
                            .rate = std::strtoull(argv[6], nullptr, 10),
                            .parent = argc == 9 ? argv[7] : "",
                            .its_operator = argc == 9 ? argv[8] : ""};
  const Status done = bench::Run(plan);
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", MessageOf(done).c_str());
  return 1;
}
