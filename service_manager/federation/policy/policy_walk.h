#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/policy/forwarding_matcher.h"
#include "service_manager/federation/policy/projection.h"

namespace strata::manager::federation {

// Policies that hold at one time, each for some contents. One that comes beyond waits, and a newer
// one takes its place.
inline constexpr size_t kPoliciesUnderWayMax = 8;

// A content as a walk reads it, with all its copies. Views, for the time of the call.
struct WalkedContent {
  farm::ContentKey key;
  std::string_view canonical_uri;  // Empty if it is not known.
  std::span<const directory::Location> copies;
};

// Which policy holds for a content, while another one takes the place of the first: the walk goes
// over the contents in the order of their keys, and tells what the two project differently. One
// thread. docs/protocols/federation.md, 2, "Another policy".
//
// The newest policy holds for the contents that its walk has passed. If it came during the walk of
// another one, that one stays where it has come, and the new walk begins at the first key: a
// mistake is taken back at once, and where it never held nothing is told.
class PolicyWalk {
 public:
  // Calls the visitor for contents from `from` on, in the order of the keys and `contents_max` at
  // most; false if there are no more behind them. It reads what is there now: a content or a copy
  // that was told by TreatmentOf() and is not read is treated wrongly from then on.
  using Visitor = absl::FunctionRef<void(const WalkedContent&)>;
  using Reader = absl::FunctionRef<StatusOr<bool>(const farm::ContentKey& from, size_t contents_max,
                                                  Visitor visit)>;
  // What the parent has to be told of a content, one change at least.
  using Teller = absl::FunctionRef<void(const WalkedContent&, std::span<const CopyChange>)>;

  PolicyWalk(std::shared_ptr<const ForwardingMatcher> matcher, directory::Holder own_scope);

  // Another policy, or the same with other sites. One that treats all alike begins no walk.
  void Replace(std::shared_ptr<const ForwardingMatcher> newest);

  // The policy that holds for this content now; valid until the next Step or Replace.
  const ForwardingMatcher& MatcherOf(const farm::ContentKey& key) const;
  Treatment TreatmentOf(const farm::ContentKey& key, std::string_view canonical_uri) const {
    return MatcherOf(key).TreatmentOf(canonical_uri);
  }

  bool under_way() const { return parts_.size() > 1; }
  // The first key that the newest policy does not hold for; while a walk is under way.
  const farm::ContentKey& cursor() const { return *parts_.front().end; }

  // Goes on with the walk: reads `contents_max` (at least 1) contents at most, and calls `tell` for
  // those that change. An error is the reader's: what was read before counts, and the next step
  // goes on behind it. Neither function may call this object.
  Status Step(size_t contents_max, Reader read, Teller tell);

 private:
  // A policy, and the end of the keys that it holds for: those from the end of the part before.
  struct Part {
    std::shared_ptr<const ForwardingMatcher> matcher;
    std::optional<farm::ContentKey> end;  // Not one of them; nothing: all that follow.
  };

  size_t PartOf(const farm::ContentKey& key) const;
  void Pass(const WalkedContent& content, Teller tell);
  void AdvanceTo(std::optional<farm::ContentKey> end);
  bool HasKeysLeft(size_t part) const;  // Behind the cursor; while a walk is under way.
  void Join();
  void BeginWaiting();

  const directory::Holder own_scope_;
  std::vector<Part> parts_;  // The newest policy first: in the order of their ends.
  std::shared_ptr<const ForwardingMatcher> waiting_;  // May be null.
};

}  // namespace strata::manager::federation
