#include "service_manager/hierarchy/attachment_messages.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "common/bytes.h"
#include "common/version.h"
#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {
namespace {

using std::chrono::milliseconds;

// So old is all that is older: an age that came from outside can be added to without harm.
constexpr Duration kAgeMax = std::chrono::hours(24 * 365);

v1::ManagerState ToProto(ManagerState state) {
  switch (state) {
    case ManagerState::kAway:
      return v1::MANAGER_AWAY;
    case ManagerState::kLeads:
      return v1::MANAGER_LEADS;
    case ManagerState::kBackup:
      return v1::MANAGER_BACKUP;
    case ManagerState::kJoins:
      return v1::MANAGER_JOINS;
  }
  return v1::MANAGER_AWAY;
}

ManagerState FromProto(v1::ManagerState state) {
  switch (state) {
    case v1::MANAGER_LEADS:
      return ManagerState::kLeads;
    case v1::MANAGER_BACKUP:
      return ManagerState::kBackup;
    case v1::MANAGER_JOINS:
      return ManagerState::kJoins;
    default:  // Also one of a later version.
      return ManagerState::kAway;
  }
}

v1::PolicyKind ToProto(const std::optional<farm::AssetKind>& kind) {
  if (!kind) return v1::POLICY_KIND_ANY;
  return *kind == farm::AssetKind::kLibrary ? v1::POLICY_KIND_LIBRARY : v1::POLICY_KIND_CACHE;
}

v1::PolicyForward ToProto(federation::Forward forward) {
  switch (forward) {
    case federation::Forward::kFull:
      return v1::POLICY_FORWARD_FULL;
    case federation::Forward::kScope:
      return v1::POLICY_FORWARD_SCOPE;
    case federation::Forward::kNone:
      return v1::POLICY_FORWARD_NONE;
  }
  return v1::POLICY_FORWARD_UNSPECIFIED;
}

StatusOr<std::optional<farm::AssetKind>> FromProto(v1::PolicyKind kind) {
  switch (kind) {
    case v1::POLICY_KIND_ANY:
      return std::nullopt;
    case v1::POLICY_KIND_LIBRARY:
      return farm::AssetKind::kLibrary;
    case v1::POLICY_KIND_CACHE:
      return farm::AssetKind::kCache;
    default:
      return InvalidArgument("a forwarding policy: a kind of copies that is not known");
  }
}

StatusOr<federation::Forward> FromProto(v1::PolicyForward forward) {
  switch (forward) {
    case v1::POLICY_FORWARD_FULL:
      return federation::Forward::kFull;
    case v1::POLICY_FORWARD_SCOPE:
      return federation::Forward::kScope;
    case v1::POLICY_FORWARD_NONE:
      return federation::Forward::kNone;
    default:
      return InvalidArgument("a forwarding policy: a way to forward that is not known");
  }
}

template <class Scopes>
void PutManagers(const std::vector<ScopeManager>& managers, Scopes& out) {
  for (const ScopeManager& manager : managers) {
    v1::ScopeManager& row = *out.add_managers();
    row.set_name(manager.name);
    row.set_address(manager.address);
    row.set_state(ToProto(manager.state));
  }
}

template <class Scopes>
std::vector<ScopeManager> ManagersOf(const Scopes& in) {
  std::vector<ScopeManager> managers;
  for (const v1::ScopeManager& row : in.managers()) {
    managers.push_back(
        {.name = row.name(), .address = row.address(), .state = FromProto(row.state())});
  }
  return managers;
}

void Put(const Chain& chain, v1::Chain& out) {
  for (const ChainLink& link : chain) {
    v1::ChainLink& row = *out.add_links();
    row.set_scope(link.place.scope);
    row.set_level(link.place.level);
    Put(link.policy, *row.mutable_policy());
  }
}

StatusOr<LinkPolicy> FromProto(const v1::LinkPolicy& in) {
  LinkPolicy link;
  if (in.rules_size() > static_cast<int>(federation::kForwardingRulesMax)) {
    return InvalidArgument("a forwarding policy of %d rules; %zu at most", in.rules_size(),
                           federation::kForwardingRulesMax);
  }
  link.policy.batching_delay = Duration(in.batching_delay_ns());
  for (const v1::PolicyRule& row : in.rules()) {
    federation::ForwardingRule rule{.site = row.site(), .uri_prefix = row.uri_prefix()};
    STRATA_ASSIGN_OR_RETURN(rule.kind, FromProto(row.kind()));
    STRATA_ASSIGN_OR_RETURN(rule.forward, FromProto(row.forward()));
    if (!row.site_host().empty()) link.hosts.emplace(row.site(), row.site_host());
    link.policy.rules.push_back(std::move(rule));
  }
  STRATA_RETURN_IF_ERROR(CheckLinkPolicy(link));
  return link;
}

SubtreeScope FromProto(const v1::SubtreeScope& in) {
  SubtreeScope scope{.place = {.scope = in.scope(), .level = in.level()},
                     .parent = in.parent(),
                     .heard = in.heard(),
                     .version = in.version(),
                     .managers = ManagersOf(in),
                     .locations = in.locations(),
                     .engines = in.engines(),
                     .engines_up = in.engines_up(),
                     .sites = in.sites(),
                     .hides_copies = in.hides_copies()};
  constexpr uint64_t kAgeMaxMs = static_cast<uint64_t>(kAgeMax / milliseconds(1));
  scope.age = milliseconds(std::min(in.age_ms(), kAgeMaxMs));
  if (in.has_up()) {
    scope.up = LinkUp{.connected = in.up().connected(),
                      .waiting_records = in.up().waiting_records(),
                      .dirty_ranges = in.up().dirty_ranges(),
                      .acknowledged = in.up().acknowledged()};
  }
  return scope;
}

}  // namespace

void Put(const LinkPolicy& link, v1::LinkPolicy& out) {
  out.set_batching_delay_ns(link.policy.batching_delay.count());
  for (const federation::ForwardingRule& rule : link.policy.rules) {
    v1::PolicyRule& row = *out.add_rules();
    row.set_site(rule.site);
    const auto host = link.hosts.find(rule.site);
    if (host != link.hosts.end()) row.set_site_host(host->second);
    row.set_uri_prefix(rule.uri_prefix);
    row.set_kind(ToProto(rule.kind));
    row.set_forward(ToProto(rule.forward));
  }
}

void Put(const SubtreeScope& scope, v1::SubtreeScope& out) {
  out.set_scope(scope.place.scope);
  out.set_level(scope.place.level);
  out.set_parent(scope.parent);
  out.set_heard(scope.heard);
  out.set_age_ms(static_cast<uint64_t>(std::max(scope.age, Duration(0)) / milliseconds(1)));
  out.set_version(scope.version);
  PutManagers(scope.managers, out);
  out.set_locations(scope.locations);
  out.set_engines(scope.engines);
  out.set_engines_up(scope.engines_up);
  out.set_sites(scope.sites);
  out.set_hides_copies(scope.hides_copies);
  if (!scope.up) return;
  out.mutable_up()->set_connected(scope.up->connected);
  out.mutable_up()->set_waiting_records(scope.up->waiting_records);
  out.mutable_up()->set_dirty_ranges(scope.up->dirty_ranges);
  out.mutable_up()->set_acknowledged(scope.up->acknowledged);
}

v1::AttachRequest ToRequest(const AttachHello& hello) {
  v1::AttachRequest request;
  v1::AttachHello& out = *request.mutable_hello();
  out.set_protocol(kAttachProtocol);
  out.set_version(hello.version);
  out.set_scope(hello.child.scope);
  out.set_level(hello.child.level);
  out.set_epoch(hello.epoch);
  return request;
}

v1::AttachRequest ToRequest(const ChildPart& part) {
  v1::AttachRequest request;
  v1::ChildPart& out = *request.mutable_part();
  PutManagers(part.managers, out);
  for (const Endpoint& front_end : part.front_ends) out.add_front_ends(ToString(front_end));
  Put(part.policy, *out.mutable_policy());
  return request;
}

v1::AttachRequest ToRequest(const ChildReport& report) {
  v1::AttachRequest request;
  v1::ChildReport& out = *request.mutable_report();
  const Bytes load = routing::Encode(report.load);
  out.set_load(load.data(), load.size());
  for (const SubtreeScope& scope : report.subtree.scopes) Put(scope, *out.add_scopes());
  out.set_left_out(report.subtree.left_out);
  return request;
}

v1::AttachReply ToReply(const AttachWelcome& welcome) {
  v1::AttachReply reply;
  v1::AttachWelcome& out = *reply.mutable_welcome();
  out.set_version(welcome.version);
  out.set_scope(welcome.parent.scope);
  out.set_level(welcome.parent.level);
  Put(welcome.chain, *out.mutable_chain());
  return reply;
}

v1::AttachReply ToReply(const Chain& chain) {
  v1::AttachReply reply;
  Put(chain, *reply.mutable_chain());
  return reply;
}

StatusOr<AttachHello> FromProto(const v1::AttachRequest& first) {
  if (!first.has_hello()) return InvalidArgument("a stream that does not begin with a hello");
  const v1::AttachHello& in = first.hello();
  STRATA_RETURN_IF_ERROR(CheckVersion(in.version()));
  if (in.protocol() != kAttachProtocol) {
    return FailedPrecondition(
        "the child (version %s) speaks attachment protocol %u, its parent %u: upgrade the older "
        "one",
        in.version().c_str(), in.protocol(), kAttachProtocol);
  }
  const AttachHello hello{.child = {.scope = in.scope(), .level = in.level()},
                          .epoch = in.epoch(),
                          .version = in.version()};
  STRATA_RETURN_IF_ERROR(federation::CheckScopeLevel(hello.child));
  return hello;
}

StatusOr<AttachWelcome> FromProto(const v1::AttachReply& first) {
  if (!first.has_welcome()) return InvalidArgument("a stream that does not begin with a welcome");
  const v1::AttachWelcome& in = first.welcome();
  AttachWelcome welcome{
      .parent = {.scope = in.scope(), .level = in.level()}, .version = in.version(), .chain = {}};
  STRATA_RETURN_IF_ERROR(CheckVersion(welcome.version));
  STRATA_RETURN_IF_ERROR(federation::CheckScopeLevel(welcome.parent));
  STRATA_ASSIGN_OR_RETURN(welcome.chain, FromProto(in.chain()));
  return welcome;
}

StatusOr<ChildPart> FromProto(const v1::ChildPart& part) {
  ChildPart child{.managers = ManagersOf(part), .front_ends = {}, .policy = {}};
  STRATA_RETURN_IF_ERROR(CheckManagers(child.managers));
  if (part.front_ends_size() > static_cast<int>(kFrontEndsMax)) {
    return InvalidArgument("%d front ends; %zu at most", part.front_ends_size(), kFrontEndsMax);
  }
  for (const std::string& text : part.front_ends()) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint front_end, Endpoint::Parse(text));
    if (front_end.port == 0 || front_end.ip.IsUnspecified() || front_end.ip.IsMulticast()) {
      return InvalidArgument("a front end at %s cannot be reached by clients",
                             ToString(front_end).c_str());
    }
    child.front_ends.push_back(front_end);
  }
  STRATA_ASSIGN_OR_RETURN(child.policy, FromProto(part.policy()));
  return child;
}

StatusOr<ChildReport> FromProto(const v1::ChildReport& report) {
  ChildReport child;
  STRATA_ASSIGN_OR_RETURN(child.load, routing::DecodeLoadReport(AsBytes(report.load())));
  if (report.scopes_size() > static_cast<int>(kSubtreeScopesMax)) {
    return InvalidArgument("a subtree of %d scopes; %zu at most", report.scopes_size(),
                           kSubtreeScopesMax);
  }
  for (const v1::SubtreeScope& scope : report.scopes()) {
    child.subtree.scopes.push_back(FromProto(scope));
  }
  child.subtree.left_out = std::min<uint64_t>(report.left_out(), UINT32_MAX);
  return child;
}

StatusOr<Chain> FromProto(const v1::Chain& chain) {
  if (chain.links_size() > static_cast<int>(kChainMax)) {
    return InvalidArgument("%d managers above each other; %zu at most", chain.links_size(),
                           kChainMax);
  }
  Chain links;
  for (const v1::ChainLink& row : chain.links()) {
    ChainLink link{.place = {.scope = row.scope(), .level = row.level()}};
    STRATA_ASSIGN_OR_RETURN(link.policy, FromProto(row.policy()));
    links.push_back(std::move(link));
  }
  return links;
}

}  // namespace strata::manager::hierarchy
