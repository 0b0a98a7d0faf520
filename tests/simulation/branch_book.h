#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// A member's run from one start, or one loss of its view, to the next.
struct Stint {
  multicast::MemberId member{};
  int number = 0;
  friend auto operator<=>(const Stint&, const Stint&) = default;
};

// Who went from which view to which, what survivors had seen of the log, which commits were made
// alone, and what a founding cut off: what decides whether a commit that is not in the final state
// may be missing (docs/protocols/multicast.md, section 1). Observer; the checkers ask it at the
// end.
class BranchBook final : public Observer {
 public:
  void OnStarted(const MemberProbe& member, bool with_disk) override;
  void OnLeft(const MemberProbe& member, bool overrun) override;
  void OnCrashed(const MemberProbe& member, size_t open_sends) override;
  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnHanded(const MemberProbe& to, const Packet& packet) override;
  void OnDecided(const MemberProbe& member, const multicast::Epoch& ballot) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;
  void OnFounded(const MemberProbe& member, uint32_t lineage, uint32_t parent,
                 uint64_t base) override;
  void OnDiverged(const MemberProbe& member, uint64_t first, uint64_t last) override;

  Stint StintOf(multicast::MemberId member) const;

  // The final state of `lineage` should contain commit `number` of `of`.
  bool Survives(uint32_t of, uint64_t number, uint32_t lineage) const;
  // This stint ended in that view: it never came to a later one.
  bool EndedIn(const Stint& stint, const multicast::Epoch& epoch) const;
  // A member told that it made this commit alone and lost it.
  bool Diverged(multicast::MemberId member, uint64_t number) const;
  // Quorum none: it was on its own when it made this commit, and crashed before it could say so.
  bool CrashedAlone(const Stint& stint, uint64_t number) const;
  // Quorum none: it went on alone and lost. What it had committed before, unheard, has no number.
  bool WentAlone(const Stint& stint) const { return alone_since_.contains(stint); }
  // The first view that was installed after `epoch`; null if there is none.
  const multicast::View* Next(const multicast::Epoch& epoch) const;
  // The last log record that somebody knew who took part in making that view.
  uint64_t KnownToMakers(const multicast::Epoch& epoch) const;

 private:
  struct Founding {
    uint32_t parent = 0;
    uint64_t base = 0;
  };
  std::map<multicast::MemberId, int> stints_;
  std::map<Stint, multicast::Epoch> last_epoch_;
  std::map<Stint, uint64_t> alone_since_;  // Quorum none; the flush of the first view alone.
  std::set<Stint> crashed_;
  std::map<multicast::Epoch, multicast::View> installed_;
  std::map<multicast::Epoch, uint64_t> known_;
  std::set<multicast::Epoch> decided_;  // Ballots.
  std::map<uint32_t, Founding> foundings_;
  std::map<multicast::MemberId, std::vector<std::pair<uint64_t, uint64_t>>> diverged_;
};

}  // namespace strata::simulation
