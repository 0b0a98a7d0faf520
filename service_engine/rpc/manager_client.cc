#include "service_engine/rpc/manager_client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/tls/grpc_credentials.h"
#include "common/version.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

namespace v1 = strata::manager::v1;

// The same number as in the manager.
constexpr uint32_t kRegistrationProtocol = 1;
constexpr std::chrono::seconds kCallLimit(5);

// Names of contents are for people to read: a manager that is away keeps nothing else waiting.
constexpr std::chrono::seconds kTellLimit(2);
constexpr std::chrono::seconds kTellAgainAfter(10);
constexpr size_t kUrisPerTelling = 5000;

Status FromGrpc(const grpc::Status& status) {
  return MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
}

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Why this side broke off the handshake with a manager, in words for people; empty if it was
// something else. gRPC has no code for it, only words.
std::string WhyNotBelieved(const std::string& words) {
  // What our own check of its certificate said.
  if (const size_t verdict = words.find("the certificate "); verdict != std::string::npos) {
    return "it is not to be believed: " +
           words.substr(verdict, words.find_first_of("\";", verdict) - verdict);
  }
  if (Has(words, "certificate verify failed") || Has(words, "CERTIFICATE_VERIFY_FAILED")) {
    return "its certificate is not of the authority in this engine's settings (tls.authority), or "
           "not of this time: engines and managers need certificates of one authority";
  }
  return "";
}

// The same for everything else: a manager that does not believe us just hangs up.
std::string Explain(const std::string& words) {
  for (const char* sign : {"alert", "Socket closed", "Connection reset", "Broken pipe"}) {
    if (!Has(words, sign)) continue;
    return "it ended the connection: does it accept this engine's certificate, or is it stopping? "
           "Its log tells (" +
           words + ")";
  }
  return words;
}

StatusOr<std::vector<multicast::GroupKey>> KeysOf(
    const google::protobuf::RepeatedPtrField<v1::GroupKey>& sent) {
  std::vector<multicast::GroupKey> keys;
  for (const v1::GroupKey& key : sent) {
    if (key.id() > UINT8_MAX) return Internal("the manager sent a key with the id %u", key.id());
    keys.push_back({static_cast<uint8_t>(key.id()), Bytes(key.key().begin(), key.key().end())});
  }
  return keys;
}

// Weights that make no sense are none: whoever is in the farm's authority can be wrong all the
// same.
StatusOr<farm::LoadWeights> WeightsOf(const v1::LoadWeights& sent) {
  farm::LoadWeights weights;
  weights.bandwidth_out = sent.bandwidth_out();
  weights.bandwidth_in = sent.bandwidth_in();
  weights.cpu = sent.cpu();
  weights.memory = sent.memory();
  weights.storage = sent.storage();
  bool good = weights.bandwidth_out >= 0 && weights.bandwidth_in >= 0 && weights.cpu >= 0 &&
              weights.memory >= 0 && weights.storage >= 0;
  for (const auto& [name, weight] : sent.parameters()) {
    weights.parameters[name] = weight;
    good = good && weight >= 0;
  }
  if (!good) return Internal("the manager told a weight below 0");
  return weights;
}

StatusOr<Registration> FromReply(const v1::RegisterReply& reply) {
  Registration registration;
  registration.id = farm::EngineId(reply.engine_id());
  registration.number = reply.registration();
  registration.scope = reply.scope();
  registration.group_id = reply.group_id();
  STRATA_ASSIGN_OR_RETURN(registration.group_address, IpAddress::Parse(reply.group_address()));
  registration.group_port = static_cast<uint16_t>(reply.group_port());
  registration.detection_timeout = Duration(reply.detection_timeout_ns());
  if (registration.detection_timeout <= Duration::zero()) {
    return Internal("the manager told no detection timeout");
  }
  STRATA_ASSIGN_OR_RETURN(registration.weights, WeightsOf(reply.load_weights()));
  for (const std::string& text : reply.seeds()) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint seed, Endpoint::Parse(text));
    registration.seeds.push_back(seed);
  }
  STRATA_ASSIGN_OR_RETURN(registration.keys, KeysOf(reply.keys()));
  return registration;
}

}  // namespace

class ManagerClient::Channels {
 public:
  Channels(std::vector<std::string> managers, std::shared_ptr<const tls::TlsStore> tls)
      : managers_(std::move(managers)), tls_(std::move(tls)), stubs_(managers_.size()) {}

  using Method = std::function<grpc::Status(v1::Registration::Stub&, grpc::ClientContext&)>;

  // Calls the manager that answered last, then the others, until one does. At a registration
  // Unauthenticated if this engine believes none of them; later that is no reason to end: a
  // manager's certificate that has expired must not end the engines that serve.
  enum class When : uint8_t { kRegistering, kLater };
  Status Call(When when, const Method& call) {
    Status last = Unavailable("no manager is configured");
    size_t strangers = 0;
    for (size_t i = 0; i < managers_.size(); ++i) {
      const Outcome outcome = CallOne(at_, kCallLimit, call);
      last = outcome.status;
      if (outcome.answered) return last;
      if (outcome.stranger) ++strangers;
      at_ = (at_ + 1) % managers_.size();
    }
    // One that cannot be reached now may be believed later.
    if (when == When::kLater || strangers == 0 || strangers < managers_.size()) return last;
    return MakeStatus(StatusCode::kUnauthenticated, MessageOf(last));
  }

  struct Outcome {
    Status status;
    bool answered = false;
    bool stranger = false;  // It is there, and not to be believed.
  };
  Outcome CallOne(size_t manager, Duration limit, const Method& call) {
    std::unique_ptr<v1::Registration::Stub>& stub = stubs_[manager];
    if (stub == nullptr) {
      stub = v1::Registration::NewStub(
          grpc::CreateChannel(managers_[manager], tls::MakeChannelCredentials(tls_)));
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::system_clock::duration>(limit));
    // Not another manager's turn: the process is to end.
    if (!Begin(context)) return {Unavailable("this process is ending"), true, false};
    const Status status = FromGrpc(call(*stub, context));
    End();
    const bool answered =
        status.code() != StatusCode::kUnavailable && status.code() != StatusCode::kDeadlineExceeded;
    if (answered) return {status, true, false};
    stub.reset();
    const std::string reason = WhyNotBelieved(MessageOf(status));
    return {MakeStatus(status.code(), "manager " + managers_[manager] + ": " +
                                          (reason.empty() ? Explain(MessageOf(status)) : reason)),
            false, !reason.empty()};
  }

  size_t size() const { return managers_.size(); }
  const std::string& name(size_t manager) const { return managers_[manager]; }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    if (current_ != nullptr) current_->TryCancel();
  }

 private:
  bool Begin(grpc::ClientContext& context) {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return false;
    current_ = &context;
    return true;
  }
  void End() {
    absl::MutexLock lock(&mutex_);
    current_ = nullptr;
  }

  absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* current_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Of the call that goes on.
  const std::vector<std::string> managers_;
  const std::shared_ptr<const tls::TlsStore> tls_;
  size_t at_ = 0;  // The manager that answered last.
  std::vector<std::unique_ptr<v1::Registration::Stub>> stubs_;
};

// What one manager has still to be told.
struct ManagerClient::Waiting {
  std::deque<std::string> uris;
  uint64_t forgotten = 0;
  std::chrono::steady_clock::time_point again{};  // Not before.

  void Add(const std::vector<std::string>& more) {
    uris.insert(uris.end(), more.begin(), more.end());
    for (; uris.size() > kUrisWaitingMax; ++forgotten) uris.pop_front();
  }
};

ManagerClient::ManagerClient(std::vector<std::string> managers,
                             std::shared_ptr<const tls::TlsStore> tls)
    : channels_(std::make_unique<Channels>(std::move(managers), std::move(tls))),
      waiting_(channels_->size()) {}
ManagerClient::~ManagerClient() = default;

StatusOr<Registration> ManagerClient::Register(const farm::EngineInfo& info, ByteSpan instance) {
  v1::RegisterRequest request;
  request.set_protocol(kRegistrationProtocol);
  request.set_version(kVersion);
  request.set_instance(instance.data(), instance.size());
  for (const Endpoint& endpoint : info.clients) request.add_clients(ToString(endpoint));
  for (const Endpoint& endpoint : info.peers) request.add_peers(ToString(endpoint));
  request.mutable_capacity()->set_bandwidth_in(info.capacity.bandwidth_in);
  request.mutable_capacity()->set_bandwidth_out(info.capacity.bandwidth_out);
  request.mutable_capacity()->set_storage(info.capacity.storage);
  request.mutable_capacity()->set_memory(info.capacity.memory);
  v1::RegisterReply reply;
  STRATA_RETURN_IF_ERROR(
      channels_->Call(Channels::When::kRegistering,
                      [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
                        return stub.Register(&context, request, &reply);
                      }));
  return FromReply(reply);
}

StatusOr<Renewal> ManagerClient::Renew(ByteSpan instance, uint64_t registration) {
  v1::RenewRequest request;
  request.set_instance(instance.data(), instance.size());
  request.set_registration(registration);
  v1::RenewReply reply;
  STRATA_RETURN_IF_ERROR(channels_->Call(
      Channels::When::kLater, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.Renew(&context, request, &reply);
      }));
  Renewal renewal;
  STRATA_ASSIGN_OR_RETURN(renewal.keys, KeysOf(reply.keys()));
  if (reply.has_load_weights()) {
    STRATA_ASSIGN_OR_RETURN(renewal.weights, WeightsOf(reply.load_weights()));
  }
  renewal.differed_at = reply.differed_at();
  return renewal;
}

bool ManagerClient::TellOne(size_t manager, const std::vector<std::string>& uris, Status& failure) {
  v1::TellUrisRequest request;
  for (const std::string& uri : uris) request.add_uris(uri);
  v1::TellUrisReply reply;
  const Channels::Outcome told = channels_->CallOne(
      manager, kTellLimit, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.TellUris(&context, request, &reply);
      });
  if (told.status.ok()) return true;
  failure = told.status;
  waiting_[manager].again = std::chrono::steady_clock::now() + kTellAgainAfter;
  return false;
}

Status ManagerClient::TellUris(const std::vector<std::string>& uris) {
  Status failure = Unavailable("no manager could be told before, and it is too early to try again");
  std::vector<size_t> later;
  for (size_t manager = 0; manager < waiting_.size(); ++manager) {
    const bool due =
        waiting_.size() == 1 || (waiting_[manager].uris.empty() &&
                                 std::chrono::steady_clock::now() >= waiting_[manager].again);
    if (!due || !TellOne(manager, uris, failure)) later.push_back(manager);
  }
  if (later.size() == waiting_.size()) return failure;
  for (const size_t manager : later) waiting_[manager].Add(uris);
  return Ok();
}

void ManagerClient::TellWaitingUris() {
  Status failure;
  for (size_t manager = 0; manager < waiting_.size(); ++manager) {
    Waiting& waiting = waiting_[manager];
    if (std::chrono::steady_clock::now() < waiting.again) continue;
    while (!waiting.uris.empty()) {
      const auto end = waiting.uris.begin() +
                       static_cast<std::ptrdiff_t>(std::min(waiting.uris.size(), kUrisPerTelling));
      if (!TellOne(manager, {waiting.uris.begin(), end}, failure)) break;
      waiting.uris.erase(waiting.uris.begin(), end);
    }
    if (!waiting.uris.empty() || waiting.forgotten == 0) continue;
    Logger("engine").Warning(
        "a manager was away for long: it was not told the names of some contents",
        {{"manager", channels_->name(manager)}, {"contents", waiting.forgotten}});
    waiting.forgotten = 0;
  }
}

void ManagerClient::Stop() { channels_->Stop(); }

bool IsRefusal(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace strata::engine::rpc
