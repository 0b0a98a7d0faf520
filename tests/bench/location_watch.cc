#include "tests/bench/location_watch.h"

#include <grpcpp/create_channel.h>

#include <chrono>
#include <utility>

#include "common/system_random.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/tls_files.h"
#include "multicast/driver/clock.h"

namespace strata::bench {
namespace {

namespace v1 = manager::locate::v1;
using multicast::Now;

constexpr std::chrono::seconds kCallLimit(10);
constexpr Duration kSeenLimit = std::chrono::seconds(30);
constexpr Duration kAskEvery = std::chrono::milliseconds(1);
// Drawn anew each time: what goes in steps must not be met at the same point of them again.
constexpr uint64_t kPauseMaxUs = 20'000;

}  // namespace

StatusOr<std::unique_ptr<LocationWatch>> LocationWatch::Start(const std::string& manager,
                                                              const std::string& certificates) {
  STRATA_ASSIGN_OR_RETURN(const auto store,
                          tls::TlsStore::Open({.authority = certificates + "/ca.pem",
                                               .certificate = certificates + "/certificate.pem",
                                               .key = certificates + "/key.pem",
                                               .revocations = ""}));
  auto stub =
      v1::Location::NewStub(grpc::CreateChannel(manager, tls::MakeChannelCredentials(store)));
  return std::unique_ptr<LocationWatch>(new LocationWatch(std::move(stub)));
}

LocationWatch::LocationWatch(std::unique_ptr<v1::Location::Stub> stub)
    : stub_(std::move(stub)), thread_([this] { Loop(); }) {}

LocationWatch::~LocationWatch() { Stop().IgnoreError(); }

void LocationWatch::Offer(const std::string& uri, Timestamp when) {
  absl::MutexLock lock(&mutex_);
  if (!wants_) return;
  wants_ = false;
  offered_ = {uri, when};
}

void LocationWatch::Clear() {
  absl::MutexLock lock(&mutex_);
  took_.clear();
}

StatusOr<std::vector<Duration>> LocationWatch::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
  absl::MutexLock lock(&mutex_);
  if (!failure_.ok()) return failure_;
  return took_;
}

void LocationWatch::Loop() {
  SystemRandom random;
  while (const std::optional<Watched> watched = Await()) {
    const StatusOr<Duration> took = AskUntilThere(*watched);
    {
      absl::MutexLock lock(&mutex_);
      if (!took.ok()) {
        failure_ = took.status();
        return;
      }
      took_.push_back(*took);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random.Below(kPauseMaxUs)));
  }
}

std::optional<LocationWatch::Watched> LocationWatch::Await() {
  absl::MutexLock lock(&mutex_);
  wants_ = true;
  const auto some = [this]()
                        ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_ || offered_.has_value(); };
  mutex_.Await(absl::Condition(&some));
  if (stop_) return std::nullopt;
  return std::exchange(offered_, std::nullopt);
}

StatusOr<Duration> LocationWatch::AskUntilThere(const Watched& watched) {
  while (true) {
    const Timestamp asked = Now();
    STRATA_ASSIGN_OR_RETURN(const bool there, Ask(watched.uri));
    const Timestamp now = Now();
    if (there) return now - watched.when;
    if (now - watched.when > kSeenLimit) return DeadlineExceeded("%s", watched.uri.c_str());
    std::this_thread::sleep_for(asked + kAskEvery - now);
  }
}

StatusOr<bool> LocationWatch::Ask(const std::string& uri) {
  v1::TraceRequest request;
  request.set_uri(uri);
  v1::TraceReply reply;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
  context.set_wait_for_ready(true);
  const grpc::Status called = stub_->Trace(&context, request, &reply);
  if (!called.ok()) {
    return MakeStatus(static_cast<StatusCode>(called.error_code()), called.error_message());
  }
  return reply.copies_size() > 0;
}

}  // namespace strata::bench
