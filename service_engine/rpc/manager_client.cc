#include "service_engine/rpc/manager_client.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "common/log.h"
#include "common/version.h"
#include "farm/rpc/manager_channels.h"
#include "farm/rpc/place_finder.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

namespace v1 = strata::manager::v1;

// Names of contents are for people to read: a manager that is away keeps nothing else waiting.
constexpr std::chrono::seconds kTellLimit(2);
constexpr std::chrono::seconds kTellAgainAfter(10);
constexpr size_t kUrisPerTelling = 5000;

using When = farm::rpc::ManagerChannels::When;

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
  STRATA_ASSIGN_OR_RETURN(registration.group, farm::rpc::PlaceOf(reply));
  STRATA_ASSIGN_OR_RETURN(registration.weights, WeightsOf(reply.load_weights()));
  return registration;
}

std::string BytesOf(const farm::ContentKey& key) {
  std::string bytes(farm::ContentKey::kBytes, '\0');
  ByteWriter out({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  farm::Encode(key, out);
  return bytes;
}

StatusOr<farm::ContentKey> KeyFrom(const std::string& bytes) {
  if (bytes.size() != farm::ContentKey::kBytes) return Internal("the manager sent no key");
  ByteReader in(AsBytes(bytes));
  return farm::DecodeContentKey(in);
}

void PutPrepared(const PreparedCopy& copy, v1::PreparedCopy* out) {
  out->set_key(BytesOf(copy.key));
  out->set_problem(copy.problem);
  out->set_uri(copy.uri);
  out->set_size(copy.size);
  out->set_sha256(copy.sha256.data(), copy.sha256.size());
  out->set_purge_position(copy.purge_position);
}

StatusOr<CopyOrder> OrderOf(const v1::CopyOrder& sent) {
  CopyOrder order;
  STRATA_ASSIGN_OR_RETURN(order.key, KeyFrom(sent.key()));
  order.source = farm::EngineId(sent.source());
  order.uri = sent.uri();
  order.size = sent.size();
  if (sent.sha256().size() != order.sha256.size()) return Internal("the manager sent no sum");
  std::copy(sent.sha256().begin(), sent.sha256().end(), order.sha256.begin());
  order.purge_position = sent.purge_position();
  return order;
}

}  // namespace

class ManagerClient::Channels final : public farm::rpc::ManagerChannels {
 public:
  using ManagerChannels::ManagerChannels;

  farm::rpc::PlaceFinder places{*this};
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
    : channels_(std::make_unique<Channels>("engine", std::move(managers), std::move(tls))),
      waiting_(channels_->size()) {}
ManagerClient::~ManagerClient() = default;

StatusOr<Registration> ManagerClient::Register(const farm::EngineInfo& info, ByteSpan instance,
                                               const std::map<std::string, uint64_t>& purged) {
  v1::RegisterRequest request;
  request.set_protocol(farm::rpc::kRegistrationProtocol);
  request.set_version(kVersion);
  request.set_instance(instance.data(), instance.size());
  for (const Endpoint& endpoint : info.clients) request.add_clients(ToString(endpoint));
  for (const Endpoint& endpoint : info.peers) request.add_peers(ToString(endpoint));
  request.mutable_capacity()->set_bandwidth_in(info.capacity.bandwidth_in);
  request.mutable_capacity()->set_bandwidth_out(info.capacity.bandwidth_out);
  request.mutable_capacity()->set_storage(info.capacity.storage);
  request.mutable_capacity()->set_memory(info.capacity.memory);
  for (const auto& [site, position] : purged) (*request.mutable_purged())[site] = position;
  v1::RegisterReply reply;
  STRATA_RETURN_IF_ERROR(channels_->Call(
      When::kRegistering, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.Register(&context, request, &reply);
      }));
  return FromReply(reply);
}

StatusOr<Registration> ManagerClient::FindPlace(farm::EngineId id, uint64_t group_id) {
  Registration place;
  place.id = id;
  STRATA_ASSIGN_OR_RETURN(place.group,
                          channels_->places.Find({.member_id = id.value(), .group_id = group_id}));
  return place;
}

StatusOr<Renewal> ManagerClient::Renew(ByteSpan instance, uint64_t registration) {
  v1::RenewRequest request;
  request.set_instance(instance.data(), instance.size());
  request.set_registration(registration);
  v1::RenewReply reply;
  STRATA_RETURN_IF_ERROR(channels_->Call(
      When::kLater, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.Renew(&context, request, &reply);
      }));
  Renewal renewal;
  STRATA_ASSIGN_OR_RETURN(renewal.keys, farm::rpc::KeysOf(reply.keys()));
  if (reply.has_load_weights()) {
    STRATA_ASSIGN_OR_RETURN(renewal.weights, WeightsOf(reply.load_weights()));
  }
  renewal.differed_at = reply.differed_at();
  std::vector<std::string> named(reply.managers().begin(), reply.managers().end());
  Learn(named);
  absl::MutexLock lock(&mutex_);
  named_ = std::move(named);
  return renewal;
}

std::vector<std::string> ManagerClient::named() const {
  absl::MutexLock lock(&mutex_);
  return named_;
}

void ManagerClient::Learn(const std::vector<std::string>& managers) {
  channels_->Learn(managers);
  waiting_.resize(channels_->size());
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

StatusOr<CopyWork> ManagerClient::ExchangeCopies(const CopyReport& report) {
  v1::ExchangeCopiesRequest request;
  request.set_takes(report.takes);
  request.set_free_bytes(report.free_bytes);
  for (const PreparedCopy& copy : report.prepared) PutPrepared(copy, request.add_prepared());
  for (const CopyDone& one : report.done) {
    v1::CopyDone* done = request.add_done();
    done->set_key(BytesOf(one.key));
    done->set_problem(one.problem);
  }
  v1::ExchangeCopiesReply reply;
  STRATA_RETURN_IF_ERROR(channels_->Call(
      Channels::When::kLater, [&](v1::Registration::Stub& stub, grpc::ClientContext& context) {
        return stub.ExchangeCopies(&context, request, &reply);
      }));
  CopyWork work;
  for (const std::string& bytes : reply.prepare()) {
    STRATA_ASSIGN_OR_RETURN(const farm::ContentKey key, KeyFrom(bytes));
    work.prepare.push_back(key);
  }
  for (const v1::CopyOrder& sent : reply.copies()) {
    STRATA_ASSIGN_OR_RETURN(CopyOrder order, OrderOf(sent));
    work.copies.push_back(std::move(order));
  }
  return work;
}

void ManagerClient::Stop() { channels_->Stop(); }

}  // namespace strata::engine::rpc
