#include "service_manager/site_flow/purge_orders.h"

#include <algorithm>
#include <utility>

#include "farm/content_identity.h"
#include "farm/messages.h"
#include "proto/site_flow.grpc.pb.h"
#include "service_manager/link/limits.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

using std::chrono::system_clock;

// What a hop keeps of the time that it was given, for the way back.
constexpr Duration kWayBack = std::chrono::milliseconds(200);

system_clock::duration OfSystem(Duration time) {
  return std::chrono::duration_cast<system_clock::duration>(time);
}

}  // namespace

v1::PurgeReport WithOutcome(v1::PurgeReport report,
                            const std::vector<sites::ScopeOutcome>& outcomes) {
  report.set_complete(true);
  for (const sites::ScopeOutcome& outcome : outcomes) {
    *report.add_scopes() = ToProto(outcome);
    if (outcome.kind != sites::ScopeOutcome::Kind::kConfirmed) report.set_complete(false);
  }
  return report;
}

PurgeOrders::PurgeOrders(Options options, FlowState& state,
                         std::shared_ptr<const tls::TlsStore> tls)
    : options_(std::move(options)),
      state_(state),
      wait_(options_.wait),
      channels_(std::move(tls), static_cast<int>(kMessageBytesMax), link::kKeepalive) {}

StatusOr<bool> PurgeOrders::Takes(const std::string& site) const {
  STRATA_ASSIGN_OR_RETURN(const control::SiteVersion version, state_.Find(site));
  return state_.own().level > federation::kLevelMin || version.home != state_.own().scope;
}

StatusOr<v1::PurgeReport> PurgeOrders::Purge(const std::string& site,
                                             const std::vector<std::string>& uris,
                                             const std::string& by) {
  STRATA_ASSIGN_OR_RETURN(const control::SiteVersion version, state_.Find(site));
  v1::OrderPurgeRequest request;
  request.set_site(site);
  request.set_home(version.home);
  for (const std::string& uri : uris) request.add_uris(uri);
  if (version.home == state_.own().scope) {
    request.set_ordered_by(by);
    return AtHome(request, wait_);
  }
  request.set_ordered_by(by + " at " + state_.own().scope);
  return Above(request, wait_.load() + kClimbMargin);
}

StatusOr<v1::PurgeReport> PurgeOrders::OfChild(const std::string& child,
                                               const v1::OrderPurgeRequest& request,
                                               system_clock::time_point deadline) {
  const size_t uris = static_cast<size_t>(request.uris_size());
  if (uris == 0 || uris > farm::kMaxPurgedKeys || request.ordered_by().size() > kByBytesMax) {
    return InvalidArgument("a purge takes 1 to %zu URIs, not %zu", farm::kMaxPurgedKeys, uris);
  }
  STRATA_ASSIGN_OR_RETURN(const control::SiteVersion version, state_.Find(request.site()));
  if (version.home != request.home()) {
    return FailedPrecondition("site %s is of %s here, and of %s at %s", request.site().c_str(),
                              version.home.c_str(), request.home().c_str(), child.c_str());
  }
  if (!farm::MayHold(version.site, child)) {
    return FailedPrecondition("site %s is not for %s", request.site().c_str(), child.c_str());
  }
  const std::string front = "http://" + version.site.hosts.front() + "/";
  for (const std::string& uri : request.uris()) {
    if (uri.size() > farm::kMaxCanonicalUriBytes || !uri.starts_with(front)) {
      return InvalidArgument("%.200s is no canonical URI of site %s", uri.c_str(),
                             request.site().c_str());
    }
  }
  const Duration left = deadline - system_clock::now() - kWayBack;
  if (left <= Duration::zero()) return DeadlineExceeded("there is no time left");
  if (version.home != state_.own().scope) return Above(request, left);
  return AtHome(request, std::min(left, wait_.load()));
}

StatusOr<v1::PurgeReport> PurgeOrders::AtHome(const v1::OrderPurgeRequest& request, Duration wait) {
  if (under_way_.fetch_add(1) >= kOrdersMax) {
    under_way_.fetch_sub(1);
    return ResourceExhausted("%d purges are waited for already", kOrdersMax);
  }
  std::vector<farm::ContentKey> keys;
  for (const std::string& uri : request.uris()) keys.push_back(farm::KeyOf(uri));
  const std::vector<std::string> uris(request.uris().begin(), request.uris().end());
  StatusOr<farm::Purged> entry = Internal("not appended");
  {
    absl::MutexLock lock(&order_);
    entry = state_.journal().Append(request.site(), keys, uris, request.ordered_by());
    if (entry.ok()) state_.OnPurged(request.site());
  }
  StatusOr<v1::PurgeReport> report = Internal("not appended");
  if (entry.ok()) {
    report = Await(request.site(), *entry, wait);
  } else {
    report = entry.status();
  }
  under_way_.fetch_sub(1);
  return report;
}

StatusOr<v1::PurgeReport> PurgeOrders::Await(const std::string& site, const farm::Purged& entry,
                                             Duration wait) {
  const std::set<std::string> holders =
      options_.holders == nullptr ? std::set<std::string>() : options_.holders(entry.keys);
  const auto outcomes = state_.AwaitOutcome(site, entry.position, wait);
  STRATA_ASSIGN_OR_RETURN(const control::PurgeEntry found,
                          state_.journal().Find(site, entry.position));
  v1::PurgeReport report = WithOutcome(ToReport(found), outcomes);
  for (v1::ScopeOutcome& scope : *report.mutable_scopes()) {
    scope.set_held(holders.contains(scope.scope()));
  }
  return report;
}

StatusOr<v1::PurgeReport> PurgeOrders::Above(const v1::OrderPurgeRequest& request, Duration wait) {
  Status last = Unavailable("this manager has no parent");
  const system_clock::time_point deadline = system_clock::now() + OfSystem(wait);
  for (const std::string& address : options_.parents()) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    v1::OrderPurgeReply reply;
    const grpc::Status asked =
        v1::SiteFlow::NewStub(ChannelTo(address))->OrderPurge(&context, request, &reply);
    if (asked.ok()) return std::move(*reply.mutable_report());
    last = MakeStatus(static_cast<StatusCode>(asked.error_code()), asked.error_message());
    // Twice is no harm: another one may lead.
    if (last.code() != StatusCode::kUnavailable) break;
  }
  return MakeStatus(last.code(), "site " + request.site() + " is purged at its home " +
                                     request.home() +
                                     ", and the way there is broken: " + MessageOf(last));
}

std::shared_ptr<grpc::Channel> PurgeOrders::ChannelTo(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  channels_.Keep(options_.parents());
  return channels_.To(address).Get();
}

}  // namespace strata::manager::site_flow
