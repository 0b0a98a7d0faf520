#pragma once

#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Serves snapshots of the application's state to learners (spec, section 9). The learner pulls; the
// donor keeps the bytes until it stops asking. One per core.
class SnapshotDonor {
 public:
  explicit SnapshotDonor(GroupState& group) : group_(group) {}

  // Of `learner`, at `from`. `applied`: the commit number of the application's state after this
  // turn's deliveries so far.
  void OnRequest(const SnapshotRequest& request, const MemberInfo& learner, const Endpoint& from,
                 uint64_t applied, Timestamp now);
  bool OnTaken(TransferId id, Bytes state, Timestamp now);
  // After the turn's deliveries: asks the application for what is wanted.
  void EndTurn(uint64_t applied);
  void OnTimer(Timestamp now);
  Timestamp deadline() const;
  void Clear() { transfers_.clear(); }

 private:
  struct Transfer {
    TransferId id = 0;
    uint64_t nonce = 0;
    MemberId learner{};
    bool light = false;
    uint64_t min_commit = 0;
    uint64_t commit = 0;
    bool asked = false;
    bool ready = false;
    bool refused = false;
    Bytes state;
    Timestamp last_used;
  };
  void Answer(const Transfer& transfer, const SnapshotRequest& request, const Endpoint& to);

  static constexpr size_t kMaxTransfers = 4;
  static constexpr uint32_t kMaxBytesPerRequest = 64 << 10;
  static constexpr Duration kForgetAfter = std::chrono::seconds(5);

  GroupState& group_;
  std::vector<Transfer> transfers_;
  TransferId next_id_ = 1;
};

}  // namespace strata::multicast
