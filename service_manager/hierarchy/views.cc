#include "service_manager/hierarchy/views.h"

#include <list>
#include <map>
#include <optional>
#include <string_view>

#include "service_manager/federation/policy/known_above.h"
#include "service_manager/hierarchy/attachment_messages.h"

namespace strata::manager::hierarchy {
namespace {

template <class Reply>
void PutAbove(const Above& above, Reply& reply) {
  reply.set_attached(above->connected);
  for (const ChainLink& link : above->above) {
    v1::TreePlace& place = *reply.add_above();
    place.set_scope(link.place.scope);
    place.set_level(link.place.level);
  }
}

void PutRules(const PolicyView& view, const federation::ForwardingMatcher& matcher,
              v1::PolicyReply& reply) {
  const federation::ForwardingPolicy& policy = view.policy.policy;
  for (size_t rule = 0; rule <= policy.rules.size(); ++rule) {
    v1::RuleState& state = *reply.add_rules();
    state.set_text(RuleText(policy, rule));
    if (rule < view.hits.size()) state.set_hits(view.hits[rule]);
  }
  for (const std::string& idle : matcher.idle_rules()) reply.add_idle_rules(idle);
}

// Each level above knows what is below it as the policies of all links up to it say.
std::vector<std::string> KnownAboveOf(const PolicyView& view,
                                      const federation::ForwardingMatcher& matcher) {
  std::list<federation::ForwardingMatcher> matchers;  // In place for ever: links refer to them.
  std::vector<federation::PolicyLink> links;
  federation::ScopeLevel child = view.own;
  const federation::ForwardingMatcher* of_child = &matcher;
  for (const ChainLink& link : view.above->above) {
    links.push_back({.child = child, .parent = link.place, .matcher = *of_child});
    child = link.place;
    of_child = &matchers.emplace_back(MatcherOf(link.policy));
  }
  return federation::KnownAboveText(view.canonical_uri, links);
}

void PutTest(const PolicyView& view, const federation::ForwardingMatcher& matcher,
             v1::PolicyTest& test) {
  const auto rule = [&](farm::AssetKind kind) {
    return RuleText(view.policy.policy, matcher.RuleOf(view.canonical_uri, kind));
  };
  test.set_canonical_uri(view.canonical_uri);
  test.set_library_rule(rule(farm::AssetKind::kLibrary));
  test.set_cache_rule(rule(farm::AssetKind::kCache));
  for (const std::string& sentence : KnownAboveOf(view, matcher)) test.add_known_above(sentence);
}

}  // namespace

v1::TreeReply TreeReplyOf(const ChildReport& report, const Above& above) {
  v1::TreeReply reply;
  std::map<std::string_view, const routing::ScopeReport*> loads;
  for (const routing::ScopeReport& load : report.load) loads.emplace(load.scope, &load);
  for (const SubtreeScope& scope : report.subtree.scopes) {
    v1::SubtreeScope& row = *reply.add_scopes();
    Put(scope, row);
    const auto load = loads.find(scope.place.scope);
    if (load == loads.end()) continue;
    row.mutable_load()->set_engines(load->second->load.engines);
    row.mutable_load()->set_overloaded(load->second->load.overloaded);
    row.mutable_load()->set_worst(load->second->load.worst);
    row.mutable_load()->set_mean(load->second->load.mean);
  }
  reply.set_left_out(report.subtree.left_out);
  reply.set_has_parent(above.has_value());
  if (!above) return reply;
  PutAbove(above, reply);
  if (!above->connected) reply.set_problem(MessageOf(above->last));
  return reply;
}

StatusOr<v1::PolicyReply> PolicyReplyOf(const PolicyView& view) {
  if (!view.above) {
    return FailedPrecondition("%s has no parent, so there is no policy of what to tell it",
                              ToString(view.own).c_str());
  }
  const federation::ForwardingMatcher matcher = MatcherOf(view.policy);
  v1::PolicyReply reply;
  reply.set_scope(view.own.scope);
  reply.set_level(view.own.level);
  Put(view.policy, *reply.mutable_policy());
  PutRules(view, matcher, reply);
  PutAbove(view.above, reply);
  if (!view.canonical_uri.empty()) PutTest(view, matcher, *reply.mutable_test());
  return reply;
}

}  // namespace strata::manager::hierarchy
