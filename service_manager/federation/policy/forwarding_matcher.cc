#include "service_manager/federation/policy/forwarding_matcher.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "farm/content_identity.h"

namespace strata::manager::federation {
namespace {

// A canonical URI, or a prefix of some, cut in two; of what is neither, nothing.
farm::UriParts PartsOf(std::string_view uri) {
  const StatusOr<farm::UriParts> parts = farm::SplitUri(uri);
  return parts.ok() ? *parts : farm::UriParts{};
}

}  // namespace

ForwardingMatcher::ForwardingMatcher(ForwardingPolicy policy, HostOfSite host_of)
    : policy_(std::move(policy)) {
  for (uint32_t i = 0; i < policy_.rules.size(); ++i) Add(i, host_of);
}

void ForwardingMatcher::Add(uint32_t number, HostOfSite host_of) {
  const ForwardingRule& rule = policy_.rules[number];
  const farm::UriParts prefix = PartsOf(rule.uri_prefix);
  const Entry entry{.rule = number,
                    .target_prefix = std::string(prefix.target),
                    .library = rule.kind != farm::AssetKind::kCache,
                    .cache = rule.kind != farm::AssetKind::kLibrary,
                    .forward = rule.forward};
  std::string host(prefix.host);
  if (!rule.site.empty()) {
    const std::string host_of_site = host_of(rule.site);
    if (host_of_site.empty()) {
      idle_rules_.push_back(RuleText(policy_, number) + ": the site is not known here");
      return;
    }
    if (!host.empty() && host != host_of_site) {
      idle_rules_.push_back(RuleText(policy_, number) +
                            ": the URIs of the site begin with http://" + host_of_site + "/");
      return;
    }
    host = host_of_site;
  }
  if (host.empty()) {
    AddForEveryHost(entry);
  } else {
    AddForHost(host, entry);
  }
}

void ForwardingMatcher::AddForEveryHost(const Entry& entry) {
  for (auto& [host, entries] : by_host_) entries.push_back(entry);
  other_hosts_.push_back(entry);
}

void ForwardingMatcher::AddForHost(const std::string& host, const Entry& entry) {
  by_host_.try_emplace(host, other_hosts_).first->second.push_back(entry);
}

ForwardingMatcher::Found ForwardingMatcher::Find(std::string_view canonical_uri) const {
  const farm::UriParts uri = PartsOf(canonical_uri);
  const auto it = by_host_.find(uri.host);
  Found found;
  for (const Entry& entry : it == by_host_.end() ? other_hosts_ : it->second) {
    if (!uri.target.starts_with(entry.target_prefix)) continue;
    if (entry.library && found.library == nullptr) found.library = &entry;
    if (entry.cache && found.cache == nullptr) found.cache = &entry;
    if (found.library != nullptr && found.cache != nullptr) break;
  }
  return found;
}

Treatment ForwardingMatcher::TreatmentOf(std::string_view canonical_uri) const {
  const Found found = Find(canonical_uri);
  Treatment treatment;
  if (found.library != nullptr) treatment.library = found.library->forward;
  if (found.cache != nullptr) treatment.cache = found.cache->forward;
  return treatment;
}

size_t ForwardingMatcher::RuleOf(std::string_view canonical_uri, farm::AssetKind kind) const {
  const Found found = Find(canonical_uri);
  const Entry* entry = kind == farm::AssetKind::kLibrary ? found.library : found.cache;
  return entry == nullptr ? policy_.rules.size() : entry->rule;
}

bool ForwardingMatcher::TreatsAlike(const ForwardingMatcher& other) const {
  return by_host_ == other.by_host_ && other_hosts_ == other.other_hosts_;
}

}  // namespace strata::manager::federation
