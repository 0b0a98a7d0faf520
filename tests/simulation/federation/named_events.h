#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace strata::simulation::federation {

// What a campaign must have seen often enough to prove anything.
enum class Event : uint8_t {
  kResumed,           // A stream went on where the one before ended, with records under way.
  kBegunAnew,         // It could not.
  kOverflow,          // A change found no room.
  kSuppressed,        // A change of a range that was dirty.
  kDiffering,         // Digests differed.
  kDeposedChild,      // A parent refused the epoch of a manager that was deposed.
  kLaggingParent,     // A parent that took over had less than was acknowledged.
  kBothTookOver,      // Child and parent became others between two streams.
  kUnsyncedLost,      // A loss of power forgot what a child had told.
  kBentFound,         // A manager began with a bent store.
  kPolicyDuringWalk,  // A policy replaced one whose walk was under way.
  kChangeDuringRead,  // A change of a range while it was read to be told anew.
  kLevelMissing,      // A child more than one level below its parent.
  kForgotten,         // A child came back to a parent that had forgotten it.
  kStreamReplaced,    // A child's new stream ended the one before.
  kCutAnew,           // A stream was cut soon after it began anew.
  kMerged,            // A question waited for an answer that another one had asked for.
  kRemembered,        // A question was answered by what a neighbour had answered before.
  kAskedAnew,         // A content was purged while it was looked for.
  kLateAnswer,        // An answer came after its deadline, or after a purge.
  kAskedBehind,       // Somebody was asked who had not applied the last purge.
  kLostWhileAsked,    // A link was lost while an answer was waited for.
  kTooFar,            // A question had no hop left.
  kPastStale,         // Copies that nobody hears of were found, and others that serve.
};
inline constexpr size_t kEvents = 24;
using EventCounts = std::array<uint64_t, kEvents>;
std::string_view ToString(Event event);

// How often each was seen.
class NamedEvents {
 public:
  void Count(Event event, uint64_t times = 1) { counts_[static_cast<size_t>(event)] += times; }
  // A stream of a child's manager was welcomed by a store of its parent.
  void OnStream(size_t child, uint64_t epoch, uint64_t parents_store);
  const EventCounts& counts() const { return counts_; }

 private:
  EventCounts counts_{};
  std::map<size_t, std::pair<uint64_t, uint64_t>> last_streams_;  // Epoch and store, by child.
};

}  // namespace strata::simulation::federation
