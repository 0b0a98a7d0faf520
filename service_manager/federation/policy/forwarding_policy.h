#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "farm/asset.h"

namespace strata::manager::federation {

inline constexpr size_t kForwardingRulesMax = 1000;
inline constexpr size_t kRulePrefixBytesMax = 1024;
inline constexpr Duration kBatchingDelayMax = std::chrono::minutes(1);

// What the parent is told of a copy. docs/protocols/federation.md, 2.
enum class Forward : uint8_t {
  kFull,   // Who holds it.
  kScope,  // That this scope has it.
  kNone,   // Nothing.
};

// "full", "scope", "none". Unimplemented for "summary", which is reserved; InvalidArgument, naming
// the text, for any other.
StatusOr<Forward> ParseForward(std::string_view text);
const char* ToString(Forward forward);

// A copy meets a rule if it meets everything that the rule names.
struct ForwardingRule {
  std::string site = {};        // A name, of a site that may come later; empty: any.
  std::string uri_prefix = {};  // Of the canonical URI: http://HOST/…; empty: any.
  std::optional<farm::AssetKind> kind = std::nullopt;
  Forward forward = Forward::kFull;

  friend bool operator==(const ForwardingRule&, const ForwardingRule&) = default;
};

// "site films, library copies: scope"; "every copy: none".
std::string ToString(const ForwardingRule& rule);

// What a manager tells its parent; data, as an operator wrote it. The first rule that a copy meets
// says what happens to it; a copy that meets none is told in full.
struct ForwardingPolicy {
  std::vector<ForwardingRule> rules = {};
  // How long a change may wait for others, to be sent together with them.
  Duration batching_delay = std::chrono::milliseconds(10);

  friend bool operator==(const ForwardingPolicy&, const ForwardingPolicy&) = default;
};

// "rule 2 (site films: scope)"; "no rule: full", for the number that none has. From 0 on.
std::string RuleText(const ForwardingPolicy& policy, size_t rule);

// Everything that is wrong with a policy, each with the rule it is about; empty if nothing is. So
// is a rule that can never be the first that matches, because of those before it.
std::vector<std::string> FaultsOf(const ForwardingPolicy& policy);

}  // namespace strata::manager::federation
