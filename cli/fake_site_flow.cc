#include "cli/fake_site_flow.h"

#include <string>

namespace strata::cli {
namespace {

namespace flow = strata::manager::site_flow::v1;

constexpr int64_t kOrderedAtMs = 1'800'000'000'000;

flow::SiteRow* AddFarm(flow::SiteStatusReply& reply, const std::string& scope, uint64_t version,
                       bool heard) {
  flow::SiteRow* row = reply.add_rows();
  row->set_site("films");
  row->set_scope(scope);
  row->mutable_state()->set_home("exchange");
  row->mutable_state()->set_version(version);
  row->mutable_state()->set_position(12);
  row->set_engines(2);
  row->set_serving(2);
  row->set_applied(2);
  flow::ScopeRow* of = reply.add_scopes();
  of->set_scope(scope);
  of->set_level(1);
  of->set_heard(heard);
  of->set_caught_up(heard);
  return row;
}

flow::PurgeReport Purge(uint64_t position, bool complete) {
  flow::PurgeReport purge;
  purge.set_id("films@" + std::to_string(position));
  purge.set_site("films");
  purge.set_position(position);
  purge.add_uris("http://films.example/a.mp4");
  purge.set_ordered_by("ann");
  purge.set_at_ms(kOrderedAtMs);
  purge.set_complete(complete);
  return purge;
}

grpc::Status NoSite(const std::string& site) {
  return {grpc::StatusCode::NOT_FOUND, "there is no site " + site};
}

}  // namespace

grpc::Status FakeSiteFlow::SiteStatus(grpc::ServerContext*, const flow::SiteStatusRequest* request,
                                      flow::SiteStatusReply* reply) {
  if (request->site() != "films") return NoSite(request->site());
  reply->set_site("films");
  reply->set_scope("exchange");
  reply->mutable_state()->set_home("exchange");
  reply->mutable_state()->set_version(3);
  reply->mutable_state()->set_position(12);
  flow::SiteRow* own = reply->add_rows();
  own->set_site("films");
  own->set_scope("exchange");
  *own->mutable_state() = reply->state();
  AddFarm(*reply, "cdn-one/lan-a", 3, true);
  flow::SiteRow* lan_b = AddFarm(*reply, "cdn-one/lan-b", 3, true);
  lan_b->set_serving(1);
  flow::EngineRow* engine = lan_b->add_behind();
  engine->set_name("south-1");
  engine->set_version(2);
  engine->set_applied(12);
  engine->set_problem("nginx: unknown directive");
  AddFarm(*reply, "cdn-one/lan-c", 2, false);
  flow::ScopeRow* silent = reply->add_scopes();
  silent->set_scope("cdn-two");
  silent->set_level(3);
  silent->set_heard(true);
  return grpc::Status::OK;
}

grpc::Status FakeSiteFlow::ListPurges(grpc::ServerContext*, const flow::ListPurgesRequest* request,
                                      flow::ListPurgesReply* reply) {
  if (!request->site().empty() && request->site() != "films") return NoSite(request->site());
  *reply->add_purges() = Purge(12, false);
  reply->add_missing(2);
  *reply->add_purges() = Purge(11, true);
  reply->add_missing(0);
  reply->mutable_purges(1)->clear_uris();
  return grpc::Status::OK;
}

grpc::Status FakeSiteFlow::ShowPurge(grpc::ServerContext*, const flow::ShowPurgeRequest* request,
                                     flow::ShowPurgeReply* reply) {
  const bool complete = request->id() == "films@11";
  if (!complete && request->id() != "films@12") {
    return {grpc::StatusCode::NOT_FOUND, "there is no purge " + request->id()};
  }
  *reply->mutable_report() = Purge(complete ? 11 : 12, complete);
  const auto add = [&](const char* scope, const char* outcome, uint32_t confirmed) {
    flow::ScopeOutcome* out = reply->mutable_report()->add_scopes();
    out->set_scope(scope);
    out->set_outcome(outcome);
    out->set_engines(2);
    out->set_confirmed(confirmed);
    return out;
  };
  add("cdn-one/lan-a", "confirmed", 2);
  if (complete) return grpc::Status::OK;
  flow::EngineRow* engine = add("cdn-one/lan-b", "failed", 1)->add_others();
  engine->set_name("south-1");
  engine->set_problem("disk full");
  add("cdn-one/lan-c", "unreachable", 0)
      ->set_problem("not in reach: it applies the log before it is sent clients again");
  return grpc::Status::OK;
}

}  // namespace strata::cli
