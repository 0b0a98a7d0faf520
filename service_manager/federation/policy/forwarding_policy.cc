#include "service_manager/federation/policy/forwarding_policy.h"

#include <algorithm>
#include <array>

#include "common/near_miss.h"
#include "common/quantity.h"
#include "farm/content_identity.h"
#include "farm/site.h"

namespace strata::manager::federation {
namespace {

constexpr std::array kKinds = {farm::AssetKind::kLibrary, farm::AssetKind::kCache};

const char* CopiesOf(farm::AssetKind kind) {
  return kind == farm::AssetKind::kLibrary ? "library copies" : "cache copies";
}

std::string Named(const ForwardingPolicy& policy, size_t rule) {
  return "rule " + std::to_string(rule + 1) + " (" + ToString(policy.rules[rule]) + ")";
}

// Nothing is wrong with a prefix that a canonical URI can begin with.
Status CheckPrefix(const std::string& prefix) {
  if (prefix.size() > kRulePrefixBytesMax) {
    return InvalidArgument("is longer than %zu bytes", kRulePrefixBytesMax);
  }
  STRATA_ASSIGN_OR_RETURN(const farm::UriParts parts, farm::SplitUri(prefix));
  STRATA_ASSIGN_OR_RETURN(const std::string host, farm::CanonicalHost(parts.host));
  std::string canonical;
  STRATA_RETURN_IF_ERROR(farm::CanonicalUri(host, parts.target, {}, canonical));
  if (canonical == prefix) return Ok();
  return InvalidArgument("has to be written %s", canonical.c_str());
}

void CheckRule(const ForwardingPolicy& policy, size_t number, std::vector<std::string>& faults) {
  const ForwardingRule& rule = policy.rules[number];
  const std::string place = "rule " + std::to_string(number + 1) + ": ";
  if (!rule.site.empty() && !farm::IsSiteName(rule.site)) {
    faults.push_back(place + "site \"" + rule.site + "\" is not 1 to 63 of a-z, 0-9 and - inside");
  }
  if (rule.uri_prefix.empty()) return;
  const Status checked = CheckPrefix(rule.uri_prefix);
  if (!checked.ok()) {
    faults.push_back(place + "URI prefix \"" + rule.uri_prefix.substr(0, kRulePrefixBytesMax) +
                     "\": " + MessageOf(checked));
  }
}

// Whether every copy of that kind that meets `rule` meets `earlier`.
bool Covers(const ForwardingRule& earlier, const ForwardingRule& rule, farm::AssetKind kind) {
  return (!earlier.kind.has_value() || *earlier.kind == kind) &&
         (earlier.site.empty() || earlier.site == rule.site) &&
         rule.uri_prefix.starts_with(earlier.uri_prefix);
}

// The rules that leave none of its copies to this one; empty if some are left.
std::vector<size_t> RulesThatCover(const ForwardingPolicy& policy, size_t number) {
  const auto begin = policy.rules.begin();
  const auto end = begin + static_cast<ptrdiff_t>(number);
  std::vector<size_t> covering;
  for (const farm::AssetKind kind : kKinds) {
    if (policy.rules[number].kind.value_or(kind) != kind) continue;
    const auto covers = [&](const auto& earlier) { return Covers(earlier, *end, kind); };
    const auto it = std::find_if(begin, end, covers);
    if (it == end) return {};
    const auto earlier = static_cast<size_t>(it - begin);
    if (covering.empty() || covering.front() != earlier) covering.push_back(earlier);
  }
  return covering;
}

void CheckReach(const ForwardingPolicy& policy, size_t number, std::vector<std::string>& faults) {
  const std::vector<size_t> covering = RulesThatCover(policy, number);
  if (covering.empty()) return;
  std::string fault = Named(policy, number) + " can never match: " + Named(policy, covering[0]);
  if (covering.size() > 1) fault += " and " + Named(policy, covering[1]) + " together";
  faults.push_back(fault + (covering.size() > 1 ? " cover it" : " covers it"));
}

}  // namespace

StatusOr<Forward> ParseForward(std::string_view text) {
  static const std::array<std::string, 3> kWords = {"full", "scope", "none"};
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (text == kWords[i]) return static_cast<Forward>(i);
  }
  if (text == "summary") return Unimplemented("summary is not supported yet");
  const std::string_view meant = NearMiss(text, kWords);
  const std::string hint = meant.empty() ? "" : "; did you mean " + std::string(meant) + "?";
  return InvalidArgument("\"%.*s\" is none of full, scope and none%s",
                         static_cast<int>(std::min<size_t>(text.size(), 100)), text.data(),
                         hint.c_str());
}

const char* ToString(Forward forward) {
  switch (forward) {
    case Forward::kFull:
      return "full";
    case Forward::kScope:
      return "scope";
    case Forward::kNone:
      return "none";
  }
  return "?";
}

std::string ToString(const ForwardingRule& rule) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (!rule.site.empty()) add("site " + rule.site);
  if (!rule.uri_prefix.empty()) add(rule.uri_prefix + "*");
  if (rule.kind.has_value()) add(CopiesOf(*rule.kind));
  return (text.empty() ? "every copy" : text) + ": " + ToString(rule.forward);
}

std::string RuleText(const ForwardingPolicy& policy, size_t rule) {
  return rule < policy.rules.size() ? Named(policy, rule) : "no rule: full";
}

std::vector<std::string> FaultsOf(const ForwardingPolicy& policy) {
  std::vector<std::string> faults;
  if (policy.batching_delay < Duration::zero() || policy.batching_delay > kBatchingDelayMax) {
    faults.push_back("batching_delay: is not between 0 and " + FormatDuration(kBatchingDelayMax));
  }
  if (policy.rules.size() > kForwardingRulesMax) {
    faults.push_back("there are more than " + std::to_string(kForwardingRulesMax) + " rules");
    return faults;
  }
  for (size_t i = 0; i < policy.rules.size(); ++i) CheckRule(policy, i, faults);
  for (size_t i = 0; i < policy.rules.size(); ++i) CheckReach(policy, i, faults);
  return faults;
}

}  // namespace strata::manager::federation
