#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "multicast/core/commit_log.h"
#include "multicast/core/settings.h"
#include "multicast/core/view_rules.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// The candidate's decision as a pure function of what was reported (spec, section 8.4).

// A message that the flush must not commit: it wanted all of its targets, and one is evicted.
struct AllOfMessage {
  Position end;  // Slot of the base view.
  Seq from = 0;
};

struct DecisionInput {
  Epoch ballot;
  MemberInfo self;
  std::vector<Report> reports;      // One a member, the candidate's own included.
  const CommitLog* log = nullptr;   // The candidate's own, all of it applied.
  std::vector<MemberInfo> joiners;  // Admitted.
  std::vector<MemberId> excluded;   // To be evicted although they report.
  bool fan_out = false;
  bool quorum_none = false;
  // The candidate has no view in memory: it may found the group anew, or manage for survivors.
  bool memoryless = false;
  bool lead_only_if_full = false;  // See CoreSettings.
  bool anyway = false;  // Without a majority, and without having been full: see Core::LeadAnyway.
  // The candidate is the SM of its installed view: it knows what was not committed.
  bool was_sm = false;
  // all_of messages open in the candidate's installed view; used only if was_sm.
  std::vector<AllOfMessage> all_of;
  // What the candidate delivered of received streams; slots of `received_view`. Joiners start
  // there.
  std::vector<Position> received;
  const View* received_view = nullptr;
};

enum class Indecision : uint8_t {
  kNoView,  // Nobody reported any view.
  kNoMajority,
  kNotMine,     // Another manager has the state to do it, or had.
  kLeftOut,     // The base view is without the candidate: it has to join anew.
  kNoState,     // Who has it is silent, or gone.
  kLogMissing,  // Records that some survivor has are not here; asked again they come.
  kTooManyQuorums,
};

struct Decision {
  ViewProposal proposal;
  bool founding = false;  // No survivors: the candidate's durable state is the group's.
  bool unsynced = false;  // The candidate is full without having state yet.
};

// The promise that is in `report`. Who knows no view at all, and yet is a voter, lost its disk.
Vote PromiseOf(const Report& report);

std::variant<Decision, Indecision> Decide(const DecisionInput& input);

}  // namespace strata::multicast
