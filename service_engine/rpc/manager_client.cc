#include "service_engine/rpc/manager_client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/tls/grpc_credentials.h"
#include "common/version.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

namespace v1 = strata::manager::v1;

// The same number as in the manager.
constexpr uint32_t kRegistrationProtocol = 1;
constexpr std::chrono::seconds kCallLimit(5);

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
      : managers_(std::move(managers)), tls_(std::move(tls)) {}

  using Method = std::function<grpc::Status(v1::Registration::Stub&, grpc::ClientContext&)>;

  // Calls the manager that answered last, then the others, until one does. At a registration
  // Unauthenticated if this engine believes none of them; later that is no reason to end: a
  // manager's certificate that has expired must not end the engines that serve.
  enum class When : uint8_t { kRegistering, kLater };
  Status Call(When when, const Method& call) {
    Status last = Unavailable("no manager is configured");
    size_t strangers = 0;
    for (size_t i = 0; i < managers_.size(); ++i) {
      if (stub_ == nullptr) {
        stub_ = v1::Registration::NewStub(
            grpc::CreateChannel(managers_[at_], tls::MakeChannelCredentials(tls_)));
      }
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
      if (!Begin(context)) return Unavailable("this process is ending");
      last = FromGrpc(call(*stub_, context));
      End();
      const bool answered =
          last.code() != StatusCode::kUnavailable && last.code() != StatusCode::kDeadlineExceeded;
      if (answered) return last;
      const std::string reason = WhyNotBelieved(MessageOf(last));
      if (!reason.empty()) ++strangers;
      last = MakeStatus(last.code(), "manager " + managers_[at_] + ": " +
                                         (reason.empty() ? Explain(MessageOf(last)) : reason));
      stub_.reset();
      at_ = (at_ + 1) % managers_.size();
    }
    // One that cannot be reached now may be believed later.
    if (when == When::kLater || strangers == 0 || strangers < managers_.size()) return last;
    return MakeStatus(StatusCode::kUnauthenticated, MessageOf(last));
  }

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
  size_t at_ = 0;
  std::unique_ptr<v1::Registration::Stub> stub_;
};

ManagerClient::ManagerClient(std::vector<std::string> managers,
                             std::shared_ptr<const tls::TlsStore> tls)
    : channels_(std::make_unique<Channels>(std::move(managers), std::move(tls))) {}
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

Status ManagerClient::TellUris(const std::vector<std::string>& uris) {
  v1::TellUrisRequest request;
  for (const std::string& uri : uris) request.add_uris(uri);
  v1::TellUrisReply reply;
  return channels_->Call(Channels::When::kLater,
                         [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
                           return stub.TellUris(&context, request, &reply);
                         });
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
