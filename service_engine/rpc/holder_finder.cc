#include "service_engine/rpc/holder_finder.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/distinct_log.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/manager_channel.h"
#include "farm/rpc/manager_channels.h"
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

// What gRPC makes for a call it ends on the thread here, which takes the answers, and nowhere else.
class HolderFinder::Impl {
 public:
  Impl(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls,
       const Limits& limits, MetricRegistry& metrics)
      : tls_(std::move(tls)),
        limits_(limits),
        calls_(metrics.AddCounter({.name = "strata_engine_holder_calls_total",
                                   .help = "Questions of a light engine to its manager."})),
        failures_(metrics.AddCounter({.name = "strata_engine_holder_call_failures_total",
                                      .help = "Those that were not answered."})),
        refusals_(metrics.AddCounter({.name = "strata_engine_holder_refusals_total",
                                      .help = "Misses for which the manager was not asked, since "
                                              "it failed just before or too much was asked."})),
        managers_(std::move(managers)),
        channels_(tls_) {
    thread_ = std::thread([this] { Loop(); });
  }
  ~Impl() {
    Stop();
    answers_.Shutdown();
    thread_.join();
  }

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

  void Learn(const std::vector<std::string>& managers) {
    absl::MutexLock lock(&mutex_);
    farm::rpc::LearnManagers(managers, managers_);
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    for (const auto& [key, question] : questions_) question->context.TryCancel();
    const auto none = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return questions_.empty() && !telling_;
    };
    mutex_.Await(absl::Condition(&none));
  }

 private:
  struct Question {
    farm::ContentKey key;
    uint64_t turn = 0;                             // As turn_ was.
    std::unique_ptr<v1::Registration::Stub> stub;  // Outlives its call.
    grpc::ClientContext context;
    v1::FindHoldersReply reply;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::FindHoldersReply>> call;
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
    auto question = std::make_unique<Question>();
    question->key = key;
    question->askers.push_back(done);
    ++askers_;
    Call(*question);
    questions_[key] = std::move(question);
    return Ok();
  }

  void Call(Question& question) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    question.turn = turn_;
    question.stub = v1::Registration::NewStub(Channel().Get());
    question.context.set_deadline(std::chrono::system_clock::now() + limits_.call);
    v1::FindHoldersRequest request;
    request.set_key(BytesOf(question.key));
    question.call = question.stub->AsyncFindHolders(&question.context, request, &answers_);
    question.call->Finish(&question.reply, &question.status, &question);
    calls_.Add();
  }

  // To the manager that is asked now.
  tls::ManagerChannel& Channel() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return channels_.To(managers_[at_]);
  }

  void Loop() {
    void* tag = nullptr;
    bool ok = false;
    while (answers_.Next(&tag, &ok)) OnReply(*static_cast<Question*>(tag));
  }

  void OnReply(const Question& answered) {
    std::unique_ptr<Question> question;
    {
      absl::MutexLock lock(&mutex_);
      question = Leave(answered.key);
      telling_ = true;
    }
    StatusOr<std::vector<farm::EngineId>> holders = std::vector<farm::EngineId>();
    const Status believed =
        question->status.ok() ? tls::CheckManager(*question->context.auth_context(), *tls_) : Ok();
    if (!believed.ok()) {
      holders = Unavailable("the manager is not to be believed: %s", MessageOf(believed).c_str());
    } else if (question->status.ok()) {
      for (const uint32_t id : question->reply.engine_ids()) holders->push_back(farm::EngineId(id));
    } else {
      holders =
          Unavailable("the manager does not tell: %s", question->status.error_message().c_str());
    }
    for (const Done& done : question->askers) done(holders);
    question.reset();
    absl::MutexLock lock(&mutex_);
    telling_ = false;
  }

  std::unique_ptr<Question> Leave(const farm::ContentKey& key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = questions_.find(key);
    std::unique_ptr<Question> question = std::move(it->second);
    questions_.erase(it);
    askers_ -= question->askers.size();
    // Of several calls to one manager that died the first one that fails leaves it.
    if (question->status.ok() || stopped_ || question->turn != turn_) return question;
    failures_.Add();
    log_.Warning("the manager does not tell who holds what", question->status.error_message());
    rests_until_ = Now() + limits_.rest;
    Channel().OnFailure(tls::WasConnected(question->context),
                        question->status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
    at_ = (at_ + 1) % managers_.size();
    ++turn_;
    return question;
  }

  const std::shared_ptr<const tls::TlsStore> tls_;
  const Limits limits_;
  Counter& calls_;
  Counter& failures_;
  Counter& refusals_;
  DistinctLog log_{Logger("engine")};

  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> managers_ ABSL_GUARDED_BY(mutex_);
  size_t at_ ABSL_GUARDED_BY(mutex_) = 0;      // The one that is asked.
  uint64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;  // How often another one was.
  tls::ManagerChannelMap channels_ ABSL_GUARDED_BY(mutex_);
  Timestamp rests_until_ ABSL_GUARDED_BY(mutex_);
  std::map<farm::ContentKey, std::unique_ptr<Question>> questions_ ABSL_GUARDED_BY(mutex_);
  size_t askers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool telling_ ABSL_GUARDED_BY(mutex_) = false;  // The askers of a call are being told.

  grpc::CompletionQueue answers_;
  std::thread thread_;
};

HolderFinder::HolderFinder(std::vector<std::string> managers,
                           std::shared_ptr<const tls::TlsStore> tls, const Limits& limits,
                           MetricRegistry& metrics)
    : impl_(std::make_unique<Impl>(std::move(managers), std::move(tls), limits, metrics)) {}
HolderFinder::~HolderFinder() { Stop(); }

void HolderFinder::Find(const farm::ContentKey& key, Done done) {
  impl_->Find(key, std::move(done));
}

void HolderFinder::Learn(const std::vector<std::string>& managers) { impl_->Learn(managers); }

void HolderFinder::Stop() { impl_->Stop(); }

}  // namespace strata::engine::rpc
