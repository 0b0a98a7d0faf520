#include "service_manager/rpc/guard.h"

#include <utility>

#include "common/tls/grpc_credentials.h"
#include "common/wall_clock.h"

namespace strata::manager::rpc {
namespace {

// In the head of every answer: milliseconds since 1970.
constexpr const char* kTimeKey = "strata-time-ms";

// "ipv4:192.0.2.1:1234" without what gRPC puts in front.
std::string AddressOf(const grpc::ServerContextBase& context) {
  std::string peer = context.peer();
  const size_t colon = peer.find(':');
  return colon == std::string::npos ? peer : peer.substr(colon + 1);
}

bool Allows(Guard::Right right, tls::Role role) {
  switch (right) {
    case Guard::Right::kEngine:
      return role == tls::Role::kEngine;
    case Guard::Right::kView:
      return role == tls::Role::kViewer || role == tls::Role::kOperator;
    case Guard::Right::kOrder:
      return role == tls::Role::kOperator;
    case Guard::Right::kManager:
    case Guard::Right::kChild:
    case Guard::Right::kFeed:
    case Guard::Right::kNeighbour:
      return role == tls::Role::kManager;
    case Guard::Right::kWitness:
      return role == tls::Role::kWitness;
    case Guard::Right::kVoter:
      return role == tls::Role::kEngine || role == tls::Role::kWitness;
  }
  return false;
}

const char* WhoMay(Guard::Right right) {
  switch (right) {
    case Guard::Right::kEngine:
      return "an engine";
    case Guard::Right::kView:
      return "a viewer or operator";
    case Guard::Right::kOrder:
      return "an operator";
    case Guard::Right::kManager:
      return "a manager";
    case Guard::Right::kWitness:
      return "a witness";
    case Guard::Right::kVoter:
      return "an engine or witness";
    case Guard::Right::kChild:
      return "a child's manager";
    case Guard::Right::kFeed:
      return "a manager, of a child or its own,";
    case Guard::Right::kNeighbour:
      return "a manager of a child or of the parent";
  }
  return "nobody";
}

// Whether the caller's place is one that the right belongs to.
bool InScope(Guard::Right right, const std::string& callers, const std::string& own,
             bool exchange) {
  switch (right) {
    case Guard::Right::kView:
    case Guard::Right::kOrder:
      return tls::ScopeCovers(callers, own);
    case Guard::Right::kChild:
      return callers != own && (exchange || tls::ScopeCovers(own, callers));
    case Guard::Right::kFeed:
      return exchange || tls::ScopeCovers(own, callers);
    case Guard::Right::kNeighbour:
      return callers != own;
    case Guard::Right::kEngine:
    case Guard::Right::kManager:
    case Guard::Right::kWitness:
    case Guard::Right::kVoter:
      return callers == own;  // Members belong to one farm.
  }
  return false;
}

}  // namespace

Guard::Guard(std::shared_ptr<const tls::TlsStore> tls, std::string scope, control::AuditLog& audit,
             MetricRegistry& metrics, bool exchange)
    : tls_(std::move(tls)),
      scope_(std::move(scope)),
      exchange_(exchange),
      audit_(audit),
      admitted_(metrics.AddCounter(
          {.name = "strata_rpc_admitted_total", .help = "Calls whose certificate allowed them."})),
      refused_(metrics.AddCounter(
          {.name = "strata_rpc_refused_total", .help = "Calls refused for their certificate."})),
      handshakes_(metrics) {}

StatusOr<tls::Identity> Guard::Admit(grpc::ServerContextBase& context, Right right) {
  context.AddInitialMetadata(kTimeKey, std::to_string(WallClockMillis()));
  StatusOr<tls::Identity> caller = tls::PeerIdentity(*context.auth_context(), *tls_);
  if (!caller.ok()) {
    refused_.Add();
    return caller.status();
  }
  if (!Has(right, *caller, scope_, exchange_)) {
    refused_.Add();
    return PermissionDenied("this takes the certificate of %s for %s; yours is of %s",
                            WhoMay(right), scope_.c_str(), ToString(*caller).c_str());
  }
  admitted_.Add();
  return caller;
}

bool Guard::Has(Right right, const tls::Identity& caller, const std::string& scope, bool exchange) {
  return Allows(right, caller.role) && InScope(right, caller.scope, scope, exchange);
}

Status Guard::StillGood(const grpc::ServerContextBase& context) const {
  return tls::PeerIdentity(*context.auth_context(), *tls_).status();
}

Status Guard::Record(const grpc::ServerContextBase& context, const std::string& what,
                     const Status& outcome) {
  const StatusOr<tls::Identity> caller = tls::PeerIdentity(*context.auth_context(), *tls_);
  control::AuditEntry entry;
  entry.who = caller.ok() ? ToString(*caller) : "unknown: " + MessageOf(caller.status());
  entry.from = AddressOf(context);
  entry.what = what;
  entry.outcome = outcome.ok() ? "ok" : MessageOf(outcome);
  return audit_.Add(std::move(entry));
}

grpc::Status ToGrpc(const Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), MessageOf(status));
}

}  // namespace strata::manager::rpc
