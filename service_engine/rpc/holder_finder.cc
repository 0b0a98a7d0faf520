#include "service_engine/rpc/holder_finder.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/distinct_log.h"
#include "common/tls/grpc_credentials.h"
#include "multicast/driver/clock.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

namespace v1 = strata::manager::v1;

using multicast::Now;

std::string BytesOf(const farm::ContentKey& key) {
  std::array<uint8_t, farm::ContentKey::kBytes> bytes;
  ByteWriter out(bytes);
  Encode(key, out);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

class HolderFinder::Impl : public std::enable_shared_from_this<HolderFinder::Impl> {
 public:
  Impl(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls,
       const Limits& limits, MetricRegistry& metrics)
      : managers_(std::move(managers)),
        tls_(std::move(tls)),
        limits_(limits),
        calls_(metrics.AddCounter({.name = "strata_engine_holder_calls_total",
                                   .help = "Questions of a light engine to its manager."})),
        failures_(metrics.AddCounter({.name = "strata_engine_holder_call_failures_total",
                                      .help = "Those that were not answered."})),
        refusals_(metrics.AddCounter({.name = "strata_engine_holder_refusals_total",
                                      .help = "Misses for which the manager was not asked, since "
                                              "it failed just before or too much was asked."})) {}

  void Find(const farm::ContentKey& key, Done done) {
    Status refused;
    {
      absl::MutexLock lock(&mutex_);
      refused = Enter(key, done);
    }
    if (refused.ok()) return;
    refusals_.Add();
    done(refused);
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    for (const auto& [key, question] : questions_) question->context.TryCancel();
    const auto none = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return questions_.empty() && ending_ == 0;
    };
    mutex_.Await(absl::Condition(&none));
  }

 private:
  struct Question {
    grpc::ClientContext context;
    v1::FindHoldersRequest request;
    v1::FindHoldersReply reply;
    std::shared_ptr<v1::Registration::Stub> stub;  // Outlives its call.
    std::vector<Done> askers;
  };

  Status Enter(const farm::ContentKey& key, const Done& done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (stopped_) return Unavailable("this process is ending");
    if (askers_ >= limits_.askers_max) return Unavailable("too many ask at once");
    const auto it = questions_.find(key);
    if (it != questions_.end()) {
      it->second->askers.push_back(done);
      ++askers_;
      return Ok();
    }
    if (managers_.empty() || Now() < rests_until_) return Unavailable("no manager answers");
    if (questions_.size() >= limits_.questions_max) return Unavailable("too much is asked at once");
    auto question = std::make_shared<Question>();
    question->askers.push_back(done);
    ++askers_;
    questions_[key] = question;
    Call(key, std::move(question));
    return Ok();
  }

  void Call(const farm::ContentKey& key, std::shared_ptr<Question> question)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (stub_ == nullptr) {
      stub_ = v1::Registration::NewStub(
          grpc::CreateChannel(managers_[at_], tls::MakeChannelCredentials(tls_)));
    }
    question->stub = stub_;
    question->request.set_key(BytesOf(key));
    question->context.set_deadline(std::chrono::system_clock::now() + limits_.call);
    calls_.Add();
    Question* call = question.get();
    call->stub->async()->FindHolders(
        &call->context, &call->request, &call->reply,
        [self = shared_from_this(), key, question = std::move(question)](
            const grpc::Status& status) { self->OnReply(key, *question, status); });
  }

  void OnReply(const farm::ContentKey& key, const Question& question, const grpc::Status& status) {
    StatusOr<std::vector<farm::EngineId>> holders = std::vector<farm::EngineId>();
    if (status.ok()) {
      for (const uint32_t id : question.reply.engine_ids()) holders->push_back(farm::EngineId(id));
    } else {
      holders = Unavailable("the manager does not tell: %s", status.error_message().c_str());
    }
    std::vector<Done> askers;
    {
      absl::MutexLock lock(&mutex_);
      askers = Leave(key, status);
      ++ending_;
    }
    for (const Done& done : askers) done(holders);
    absl::MutexLock lock(&mutex_);
    --ending_;
  }

  std::vector<Done> Leave(const farm::ContentKey& key, const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = questions_.find(key);
    std::vector<Done> askers = std::move(it->second->askers);
    questions_.erase(it);
    askers_ -= askers.size();
    if (status.ok() || stopped_) return askers;
    failures_.Add();
    log_.Warning("the manager does not tell who holds what", status.error_message());
    rests_until_ = Now() + limits_.rest;
    stub_.reset();  // A new connection, to the next one, with the certificate of then.
    at_ = (at_ + 1) % managers_.size();
    return askers;
  }

  const std::vector<std::string> managers_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  const Limits limits_;
  Counter& calls_;
  Counter& failures_;
  Counter& refusals_;
  DistinctLog log_{Logger("engine")};

  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  size_t at_ ABSL_GUARDED_BY(mutex_) = 0;
  Timestamp rests_until_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<v1::Registration::Stub> stub_ ABSL_GUARDED_BY(mutex_);
  std::map<farm::ContentKey, std::shared_ptr<Question>> questions_ ABSL_GUARDED_BY(mutex_);
  size_t askers_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t ending_ ABSL_GUARDED_BY(mutex_) = 0;  // Calls whose askers are being told.
};

HolderFinder::HolderFinder(std::vector<std::string> managers,
                           std::shared_ptr<const tls::TlsStore> tls, const Limits& limits,
                           MetricRegistry& metrics)
    : impl_(std::make_shared<Impl>(std::move(managers), std::move(tls), limits, metrics)) {}
HolderFinder::~HolderFinder() { Stop(); }

void HolderFinder::Find(const farm::ContentKey& key, Done done) {
  impl_->Find(key, std::move(done));
}

void HolderFinder::Stop() { impl_->Stop(); }

}  // namespace strata::engine::rpc
