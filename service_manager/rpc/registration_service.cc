#include "service_manager/rpc/registration_service.h"

#include <chrono>
#include <utility>

#include "common/log.h"
#include "common/version.h"
#include "common/wall_clock.h"
#include "farm/content_identity.h"
#include "multicast/driver/clock.h"
#include "service_manager/rpc/copy_exchange.h"

namespace strata::manager::rpc {
namespace {

constexpr size_t kVersionBytesMax = 64;  // Of what an engine says, in errors.
constexpr size_t kSiteNameBytesMax = 63;
constexpr Duration kLookEvery = std::chrono::seconds(1);  // For certificates that have expired.

const Logger& Log() {
  static const Logger logger("rpc");
  return logger;
}

StatusOr<std::vector<Endpoint>> ReadEndpoints(
    const google::protobuf::RepeatedPtrField<std::string>& texts, const char* field) {
  if (texts.empty() || texts.size() > static_cast<int>(farm::kMaxEngineAddresses)) {
    return InvalidArgument("%s: 1 to %zu endpoints, not %d", field, farm::kMaxEngineAddresses,
                           texts.size());
  }
  std::vector<Endpoint> endpoints;
  for (const std::string& text : texts) {
    const StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint.ok())
      return InvalidArgument("%s: %s", field, MessageOf(endpoint.status()).c_str());
    if (endpoint->ip.IsUnspecified() || endpoint->ip.IsMulticast() || endpoint->port == 0) {
      return InvalidArgument("%s: nobody can reach %s", field, text.c_str());
    }
    endpoints.push_back(*endpoint);
  }
  return endpoints;
}

void PutWeights(const farm::LoadWeights& weights, v1::LoadWeights* out) {
  out->set_bandwidth_out(weights.bandwidth_out);
  out->set_bandwidth_in(weights.bandwidth_in);
  out->set_cpu(weights.cpu);
  out->set_memory(weights.memory);
  out->set_storage(weights.storage);
  for (const auto& [name, weight] : weights.parameters) (*out->mutable_parameters())[name] = weight;
}

// What a member needs to know of the group to find it.
template <class Reply>
void PutGroup(control::FarmControl& control, Reply* reply) {
  reply->set_group_id(control.registrar().group_id());
  const multicast::SocketSettings& sockets = control.options().group.sockets;
  reply->set_group_address(ToString(sockets.group));
  reply->set_group_port(sockets.port);
  reply->set_detection_timeout_ns(control.options().group.core.detection_timeout.count());
  reply->add_seeds(ToString(control.member().unicast()));
}

template <class Reply>
void PutKeys(const control::FarmControl& control, const control::Registrar& registrar,
             Reply* reply) {
  if (!control.options().encrypted) return;
  for (const multicast::GroupKey& key : registrar.keys()) {
    v1::GroupKey* added = reply->add_keys();
    added->set_id(key.id);
    added->set_key(key.bytes.data(), key.bytes.size());
  }
}

}  // namespace

Status CheckProtocol(const std::string& engine, const std::string& version, uint32_t protocol) {
  if (protocol >= kRegistrationProtocolMin && protocol <= kRegistrationProtocol) return Ok();
  return FailedPrecondition(
      "engine %s (version %s) speaks registration protocol %u, this manager (version %s) %u: "
      "upgrade the %s",
      engine.c_str(), version.substr(0, kVersionBytesMax).c_str(), protocol, kVersion,
      kRegistrationProtocol, protocol < kRegistrationProtocol ? "engine" : "manager");
}

grpc::Status RegistrationService::Register(grpc::ServerContext* context,
                                           const v1::RegisterRequest* request,
                                           v1::RegisterReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kEngine);
  const Status status =
      caller.ok() ? RegisterEngine(caller->name, *request, reply) : caller.status();
  if (status.ok()) {
    Log().Info("engine registered", {{"name", caller->name},
                                     {"from", context->peer()},
                                     {"version", request->version()},
                                     {"registration", reply->registration()}});
  } else {
    Log().Warning("engine refused", {{"from", context->peer()}, {"error", MessageOf(status)}});
  }
  return ToGrpc(status);
}

Status RegistrationService::RegisterEngine(const std::string& name,
                                           const v1::RegisterRequest& request,
                                           v1::RegisterReply* reply) {
  STRATA_RETURN_IF_ERROR(CheckProtocol(name, request.version(), request.protocol()));
  const control::FarmControlOptions& own = control_.options();
  if (own.level > 1) {
    return FailedPrecondition("%s is of level %u: it has managers for children, and no engines",
                              own.scope.c_str(), own.level);
  }
  STRATA_RETURN_IF_ERROR(control_.CheckRegisters());
  if (request.instance().size() != control::kInstanceBytes) {
    return InvalidArgument("instance: %zu bytes, not %zu", control::kInstanceBytes,
                           request.instance().size());
  }
  farm::EngineInfo info;
  info.name = name;
  STRATA_ASSIGN_OR_RETURN(info.clients, ReadEndpoints(request.clients(), "clients"));
  STRATA_ASSIGN_OR_RETURN(info.peers, ReadEndpoints(request.peers(), "peers"));
  info.capacity = {.bandwidth_in = request.capacity().bandwidth_in(),
                   .bandwidth_out = request.capacity().bandwidth_out(),
                   .storage = request.capacity().storage(),
                   .memory = request.capacity().memory()};
  STRATA_RETURN_IF_ERROR(TakePositions(name, request));
  STRATA_ASSIGN_OR_RETURN(const control::Registrar::Engine engine,
                          control_.Register(info, AsBytes(request.instance())));
  reply->set_engine_id(engine.info.id.value());
  reply->set_registration(engine.registration);
  reply->set_scope(control_.options().scope);
  PutGroup(control_, reply);
  PutWeights(control_.director()->weights, reply->mutable_load_weights());
  PutKeys(control_, control_.registrar(), reply);
  return Ok();
}

Status RegistrationService::TakePositions(const std::string& name,
                                          const v1::RegisterRequest& request) {
  if (request.purged_size() > static_cast<int>(control::kSitesMax)) {
    return InvalidArgument("purged: at most %zu sites", control::kSitesMax);
  }
  for (const auto& [site, position] : request.purged()) {
    if (site.empty() || site.size() > kSiteNameBytesMax || site.find('\0') != std::string::npos) {
      return InvalidArgument("purged: something that is no site's name");
    }
    STRATA_RETURN_IF_ERROR(control_.OnPurgedUpTo(name, site, position).status());
  }
  return Ok();
}

grpc::Status RegistrationService::Renew(grpc::ServerContext* context,
                                        const v1::RenewRequest* request, v1::RenewReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kEngine);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (const Status leads = control_.CheckRegisters(); !leads.ok()) return ToGrpc(leads);
  const StatusOr<uint64_t> differed_at =
      control_.Renew(caller->name, AsBytes(request->instance()), request->registration());
  if (!differed_at.ok()) return ToGrpc(differed_at.status());
  NoteCertificate(*caller);
  reply->set_differed_at(*differed_at);
  for (const auto& [manager, entry] : control_.managers().all()) {
    reply->add_managers(entry.address);
  }
  PutWeights(control_.director()->weights, reply->mutable_load_weights());
  PutKeys(control_, control_.registrar(), reply);
  return grpc::Status::OK;
}

// An engine whose certificate has expired is refused, but it may know the group's key.
void RegistrationService::NoteCertificate(const tls::Identity& engine) {
  const Timestamp now = multicast::Now();
  bool expired = false;
  {
    absl::MutexLock lock(&mutex_);
    good_until_s_[engine.name] = engine.not_after_s;
    if (now < next_look_) return;
    next_look_ = now + kLookEvery;
    const int64_t now_s = WallClockSeconds();
    expired =
        std::erase_if(good_until_s_, [&](const auto& entry) { return entry.second < now_s; }) != 0;
  }
  if (!expired) return;
  Log().Warning("an engine's certificate has expired: the group's key changes");
  control_.RotateKeyAtOnce();
}

grpc::Status RegistrationService::TellUris(grpc::ServerContext* context,
                                           const v1::TellUrisRequest* request, v1::TellUrisReply*) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kEngine);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (request->uris_size() > kUrisPerCallMax) {
    return ToGrpc(InvalidArgument("uris: at most %d", kUrisPerCallMax));
  }
  for (const std::string& uri : request->uris()) {
    control_.feed().AddUri(farm::KeyOf(uri), uri);
  }
  return grpc::Status::OK;
}

grpc::Status RegistrationService::FindHolders(grpc::ServerContext* context,
                                              const v1::FindHoldersRequest* request,
                                              v1::FindHoldersReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kEngine);
  if (!caller.ok()) return ToGrpc(caller.status());
  if (request->key().size() != farm::ContentKey::kBytes) {
    return ToGrpc(InvalidArgument("key: %zu bytes, not %zu", request->key().size(),
                                  farm::ContentKey::kBytes));
  }
  if (!control_.joined()) return ToGrpc(control_.CheckLeads());
  ByteReader in(AsBytes(request->key()));
  const farm::ContentKey key = farm::DecodeContentKey(in);
  control_.member().Read([&](const farm::TableReplica& replica) {
    const farm::StateTable& table = replica.table();
    const farm::StateTable::Holders* holders = table.FindHolders(key);
    if (holders == nullptr) return;
    const Timestamp now = multicast::Now();
    for (const farm::EngineId engine : *holders) {
      const farm::Asset& asset = *table.FindAsset(engine, key);
      if (!asset.complete || table.ExpiryOf(engine, key) <= now) continue;
      // What came from an origin is not asked of who is drained.
      if (asset.kind == farm::AssetKind::kCache && table.Find(engine)->draining) continue;
      reply->add_engine_ids(engine.value());
    }
  });
  return grpc::Status::OK;
}

grpc::Status RegistrationService::Attend(grpc::ServerContext* context,
                                         const v1::AttendRequest* request, v1::AttendReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kWitness);
  const Status status = caller.ok() ? AttendAs(caller->name, *request, reply) : caller.status();
  if (!status.ok()) {
    Log().Warning("witness refused", {{"from", context->peer()}, {"error", MessageOf(status)}});
  }
  return ToGrpc(status);
}

Status RegistrationService::AttendAs(const std::string& name, const v1::AttendRequest& request,
                                     v1::AttendReply* reply) {
  STRATA_RETURN_IF_ERROR(CheckProtocol(name, request.version(), request.protocol()));
  STRATA_RETURN_IF_ERROR(control_.CheckRegisters());
  STRATA_ASSIGN_OR_RETURN(const uint32_t id,
                          witnesses_.Attend(name, AsBytes(request.instance()), multicast::Now()));
  reply->set_member_id(id);
  PutGroup(control_, reply);
  PutKeys(control_, control_.registrar(), reply);
  return Ok();
}

grpc::Status RegistrationService::FindPlace(grpc::ServerContext* context,
                                            const v1::FindPlaceRequest* request,
                                            v1::FindPlaceReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kVoter);
  const Status status = caller.ok() ? TellPlace(*caller, *request, reply) : caller.status();
  if (!status.ok() && status.code() != StatusCode::kUnavailable) {
    const std::string who = caller.ok() ? caller->name : "unknown";
    log_.Warning("a member has no place in the group", who,
                 {{"name", who}, {"from", context->peer()}, {"error", MessageOf(status)}});
  }
  return ToGrpc(status);
}

Status RegistrationService::TellPlace(const tls::Identity& member,
                                      const v1::FindPlaceRequest& request,
                                      v1::FindPlaceReply* reply) {
  STRATA_RETURN_IF_ERROR(CheckProtocol(member.name, request.version(), request.protocol()));
  STRATA_ASSIGN_OR_RETURN(const store::MirrorPosition position,
                          places_.Check({.name = member.name,
                                         .witness = member.role == tls::Role::kWitness,
                                         .member_id = request.member_id(),
                                         .group_id = request.group_id()}));
  reply->set_term(position.term);
  reply->set_number(position.number);
  PutGroup(control_, reply);
  PutKeys(control_, control_.registrar(), reply);
  return Ok();
}

grpc::Status RegistrationService::ExchangeCopies(grpc::ServerContext* context,
                                                 const v1::ExchangeCopiesRequest* request,
                                                 v1::ExchangeCopiesReply* reply) {
  const StatusOr<tls::Identity> caller = guard_.Admit(*context, Guard::Right::kEngine);
  return ToGrpc(caller.ok() ? Exchange(caller->name, *request, reply) : caller.status());
}

Status RegistrationService::Exchange(const std::string& name,
                                     const v1::ExchangeCopiesRequest& request,
                                     v1::ExchangeCopiesReply* reply) {
  STRATA_ASSIGN_OR_RETURN(const auto prepared, PreparedOf(request));
  STRATA_ASSIGN_OR_RETURN(const auto copied, CopiedOf(request));
  STRATA_ASSIGN_OR_RETURN(const control::Registrar::Engine engine, control_.registrar().Find(name));
  control::DrainPlan::Target target;
  target.engine = engine.info.id;
  target.takes = request.takes() && !engine.draining;
  target.free_bytes = request.free_bytes();
  STRATA_ASSIGN_OR_RETURN(const auto work, drains_.Exchange(target, prepared, copied));
  PutWork(work, reply);
  return Ok();
}

}  // namespace strata::manager::rpc
