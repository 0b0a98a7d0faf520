#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "farm/asset.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_policy.h"

namespace strata::manager::federation {

// What happens to the copies of one content, by their kind.
struct Treatment {
  Forward library = Forward::kFull;
  Forward cache = Forward::kFull;

  Forward Of(directory::LocationFlags flags) const {
    return (flags & directory::kLibrary) != 0 ? library : cache;
  }

  friend bool operator==(const Treatment&, const Treatment&) = default;
};

// A forwarding policy and the sites that its rules name, made ready to treat 50,000 contents a
// second by their URIs: rules are looked at by host. Immutable. Another policy, or sites that come,
// go or get another first host, make a new one. docs/protocols/federation.md, 2.
class ForwardingMatcher {
 public:
  // The first host of the site of that name; empty if it is not known.
  using HostOfSite = absl::FunctionRef<std::string(const std::string& site)>;

  ForwardingMatcher() = default;  // Everything in full.
  // `policy` is without faults. `host_of` is not called afterwards.
  ForwardingMatcher(ForwardingPolicy policy, HostOfSite host_of);

  // A URI that is not known (empty) meets only rules that name neither site nor prefix.
  Treatment TreatmentOf(std::string_view canonical_uri) const;
  // The number in the policy, from 0, of the rule that a copy meets; how many there are, if none.
  size_t RuleOf(std::string_view canonical_uri, farm::AssetKind kind) const;

  // Whether both have the same rules for the same hosts: then they treat every copy alike.
  bool TreatsAlike(const ForwardingMatcher& other) const;

  const ForwardingPolicy& policy() const { return policy_; }
  // The rules that no copy can meet as sites are now, a sentence each.
  const std::vector<std::string>& idle_rules() const { return idle_rules_; }

 private:
  // A rule of one host, or of all. Equal if they do the same, whatever their numbers.
  struct Entry {
    uint32_t rule = 0;
    std::string target_prefix;  // Of path and query.
    bool library = true;
    bool cache = true;
    Forward forward = Forward::kFull;

    friend bool operator==(const Entry& a, const Entry& b) {
      return a.target_prefix == b.target_prefix && a.library == b.library && a.cache == b.cache &&
             a.forward == b.forward;
    }
  };
  using Entries = std::vector<Entry>;  // In the order of the rules.
  struct Found {
    const Entry* library = nullptr;
    const Entry* cache = nullptr;
  };

  void Add(uint32_t number, HostOfSite host_of);
  void AddForEveryHost(const Entry& entry);
  void AddForHost(const std::string& host, const Entry& entry);
  Found Find(std::string_view canonical_uri) const;

  ForwardingPolicy policy_;
  std::map<std::string, Entries, std::less<>> by_host_;  // With those of all hosts among them.
  Entries other_hosts_;
  std::vector<std::string> idle_rules_;
};

}  // namespace strata::manager::federation
