#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Gets the application's state from a donor (spec, section 9): asks for the next piece, waits, asks
// again, goes to the next donor when one refuses or is silent. One per core, idle once synced.
class SnapshotFetcher {
 public:
  explicit SnapshotFetcher(GroupState& group) : group_(group) {}

  // Any snapshot as of `min_commit` or later will do.
  void Start(uint64_t min_commit, Timestamp now);
  void Stop();
  bool running() const { return running_; }
  void OnViewInstalled(Timestamp now);
  void OnChunk(const SnapshotChunk& chunk, Timestamp now);
  void OnTimer(Timestamp now);
  Timestamp deadline() const {
    return running_ && group_.in_view() && !fetched_ ? due_ : Timestamp::Never();
  }

  struct Fetched {
    uint64_t commit = 0;
    Bytes state;
  };
  // Once the own log has what the snapshot is as of: until then that log record may be known to
  // the donor alone, and a view change without it puts another one in its place.
  std::optional<Fetched> TakeFetched();

 private:
  Slot DonorSlot() const { return group_.view.SlotOf(donor_.id, donor_.incarnation); }
  void NextDonor(Timestamp now);
  void Ask(Timestamp now);

  static constexpr uint32_t kPieceBytes = 32 << 10;
  static constexpr int kTriesPerDonor = 20;
  static constexpr Duration kRetry = std::chrono::milliseconds(20);

  GroupState& group_;
  bool running_ = false;
  uint64_t min_commit_ = 0;
  MemberInfo donor_;
  uint64_t nonce_ = 0;
  int tries_ = 0;
  uint64_t commit_ = 0;
  uint64_t total_ = 0;
  uint64_t have_ = 0;  // Bytes without a gap.
  uint64_t asked_to_ = 0;
  Bytes state_;
  std::vector<std::pair<uint64_t, uint64_t>> ahead_;  // Pieces behind a gap: from, to.
  Timestamp due_ = Timestamp::Never();
  std::optional<Fetched> fetched_;
};

}  // namespace strata::multicast
