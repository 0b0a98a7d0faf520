#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "multicast/core/ack_board.h"
#include "multicast/core/actions.h"
#include "multicast/core/commit_log.h"
#include "multicast/core/counters.h"
#include "multicast/core/mutants.h"
#include "multicast/core/outbox.h"
#include "multicast/core/peer.h"
#include "multicast/core/rtt_estimator.h"
#include "multicast/core/settings.h"

namespace strata::multicast {

// What the machines of one core look at together: who this member is, its view, its peers, its
// output. Owned by Core::Impl, which alone changes view, status, frozen and synced; the machines
// change what lies behind (streams, board, log) by their own rules. One thread.
struct GroupState {
  GroupState(const CoreSettings& s, RandomSource& r)
      : settings(s),
        random(r),
        outbox(batch, s.group),
        rtt({s.repair_initial, s.repair_min, s.repair_max}) {
    log.RetainBelowFloor(s.retain_records);
  }

  const CoreSettings settings;
  RandomSource& random;
  ActionBatch batch;
  Outbox outbox;
  Counters counters;
  RttEstimator rtt;

  MemberInfo self;
  View view;                                 // number 0: none.
  std::vector<std::shared_ptr<Peer>> peers;  // By slot.
  // Peers that are gone, but whose records the actions of this turn may point to.
  std::vector<std::shared_ptr<Peer>> retired;
  Slot self_slot = kNoSlot;
  bool frozen = false;
  bool synced = false;
  bool ready = false;         // The application said so in this membership, under this SM.
  bool leads_anyway = false;  // An operator said so: Core::LeadAnyway.
  bool credit_paused = false;
  AckBoard board;
  CommitLog log;

  bool in_view() const { return self_slot != kNoSlot; }
  bool is_sm() const { return self_slot == 0; }
  MemberStatus status() const {
    return in_view() ? view.members[self_slot].status : MemberStatus::kNone;
  }
  bool full(Slot slot) const { return view.members[slot].status == MemberStatus::kFull; }
  // Whether this member has all that a full one needs.
  bool may_be_full() const {
    const bool waits = settings.full_when_ready && !STRATA_MUTANT(kFullBeforeReady);
    return synced && (ready || !waits || status() == MemberStatus::kFull);
  }
  Peer& me() { return *peers[self_slot]; }
  Slot size() const { return static_cast<Slot>(view.members.size()); }
};

}  // namespace strata::multicast
