#include "cli/fake_hierarchy.h"

namespace strata::cli {
namespace {

namespace tree = strata::manager::hierarchy::v1;

tree::SubtreeScope& Add(tree::TreeReply& reply, const std::string& scope, uint32_t level,
                        const std::string& parent) {
  tree::SubtreeScope& row = *reply.add_scopes();
  row.set_scope(scope);
  row.set_level(level);
  row.set_parent(parent);
  row.set_heard(true);
  row.set_age_ms(700);
  row.set_version("0.2.0");
  row.set_locations(level * 1'200'000);
  row.set_engines(level * 3);
  row.set_engines_up(level * 3);
  row.set_sites(2);
  row.mutable_load()->set_engines(row.engines());
  row.mutable_load()->set_mean(0.31);
  row.mutable_load()->set_worst(0.5);
  row.mutable_up()->set_connected(true);
  return row;
}

void AddManager(tree::SubtreeScope& scope, const std::string& name, tree::ManagerState state) {
  tree::ScopeManager& manager = *scope.add_managers();
  manager.set_name(name);
  manager.set_address("192.0.2.1:7400");
  manager.set_state(state);
}

void FillTree(tree::TreeReply& reply) {
  tree::SubtreeScope& cdn = Add(reply, "cdn-one", 3, "");
  AddManager(cdn, "sm-1", tree::MANAGER_LEADS);
  AddManager(cdn, "sm-2", tree::MANAGER_BACKUP);
  cdn.mutable_up()->set_waiting_records(1204);
  tree::SubtreeScope& east = Add(reply, "cdn-one/east", 2, "cdn-one");
  AddManager(east, "east-1", tree::MANAGER_LEADS);
  AddManager(east, "east-2", tree::MANAGER_AWAY);
  tree::SubtreeScope& a = Add(reply, "cdn-one/east/lan-a", 1, "cdn-one/east");
  AddManager(a, "sm-1", tree::MANAGER_LEADS);
  a.set_engines_up(2);
  a.mutable_load()->set_worst(0.97);
  a.mutable_up()->set_connected(false);
  a.mutable_up()->set_waiting_records(50'000);
  a.mutable_up()->set_dirty_ranges(12);
  tree::SubtreeScope& b = Add(reply, "cdn-one/east/lan-b", 1, "cdn-one/east");
  AddManager(b, "sm-1", tree::MANAGER_LEADS);
  b.set_version("0.1.0");
  tree::SubtreeScope& west = Add(reply, "cdn-one/west", 2, "cdn-one");
  AddManager(west, "west-1", tree::MANAGER_BACKUP);
  west.set_heard(false);
  west.set_age_ms(95'000);
  Add(reply, "cdn-one/west/hall-2/lan-c", 1, "cdn-one/west").clear_load();
}

}  // namespace

grpc::Status FakeHierarchy::Tree(grpc::ServerContext* context, const tree::TreeRequest*,
                                 tree::TreeReply* reply) {
  FillTree(*reply);
  reply->set_left_out(3);
  reply->set_has_parent(true);
  reply->set_attached(attached_);
  if (!attached_) reply->set_problem("192.0.2.9:7400: failed to connect");
  reply->add_above()->set_scope("exchange");
  reply->mutable_above(0)->set_level(4);
  return check_(*context);
}

grpc::Status FakeHierarchy::Policy(grpc::ServerContext* context, const tree::PolicyRequest* request,
                                   tree::PolicyReply* reply) {
  reply->set_scope("cdn-one");
  reply->set_level(3);
  reply->set_attached(attached_);
  reply->add_above()->set_scope("exchange");
  reply->mutable_above(0)->set_level(4);
  tree::PolicyRule& films = *reply->mutable_policy()->add_rules();
  films.set_site("films");
  films.set_kind(tree::POLICY_KIND_LIBRARY);
  films.set_forward(tree::POLICY_FORWARD_SCOPE);
  tree::PolicyRule& live = *reply->mutable_policy()->add_rules();
  live.set_uri_prefix("http://news.example/live/");
  live.set_forward(tree::POLICY_FORWARD_NONE);
  reply->mutable_policy()->set_batching_delay_ns(10'000'000);
  for (const uint64_t hits : {1204, 0, 33}) reply->add_rules()->set_hits(hits);
  reply->add_idle_rules("rule 2 meets nothing: no site has the host news.example");
  if (request->uri().empty()) return check_(*context);
  if (!request->uri().starts_with("http://films.example/")) {
    return {grpc::StatusCode::NOT_FOUND, "no site has the host of " + request->uri()};
  }
  tree::PolicyTest& test = *reply->mutable_test();
  test.set_canonical_uri(request->uri());
  test.set_library_rule("rule 1 (site films, library copies: scope)");
  test.set_cache_rule("no rule: full");
  test.add_known_above(
      "of a library copy, exchange (level 4) will know that cdn-one has it: rule 1");
  test.add_known_above("of a cache copy, exchange (level 4) will know the engine that has it");
  return check_(*context);
}

}  // namespace strata::cli
