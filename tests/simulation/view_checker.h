#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// Views: grow at each member; one view for each number; proposed with the acceptance of a majority
// of each quorum; whoever promised a ballot never acknowledges or commits below it; and virtual
// synchrony: all full members that install a view have the same state at that moment.
class ViewChecker final : public Observer {
 public:
  ViewChecker(Stage& stage, bool quorum_none) : stage_(stage), quorum_none_(quorum_none) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnHanded(const MemberProbe& to, const Packet& packet) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;
  void OnStarted(const MemberProbe& member, bool with_disk) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  struct Shown {  // What a member was shown last.
    int life = 0;
    multicast::Incarnation incarnation;
    multicast::Epoch epoch;
    uint32_t number = 0;
  };
  struct Installed {
    multicast::View view;
    std::set<multicast::MemberId> accepted;  // When the proposer installed it.
    bool by_proposer = false;
  };

  void Promise(const MemberProbe& member, const multicast::Epoch& ballot, const char* how);
  void CompareStates(const MemberProbe& member, const multicast::View& view);

  Stage& stage_;
  bool quorum_none_;
  std::map<multicast::MemberId, Shown> shown_;
  std::map<multicast::MemberId, multicast::Epoch> promised_;
  std::map<multicast::Epoch, uint64_t> told_;  // The last log record in COMMITs of that epoch.
  std::map<multicast::Epoch, Installed> installed_;
  std::map<multicast::Epoch, std::set<multicast::MemberId>> accepted_;
  std::map<multicast::Epoch, std::vector<std::vector<multicast::MemberId>>> quorums_;
  struct ChainAt {
    uint64_t chain = 0;
    size_t entries = 0;
    multicast::MemberId member{};
  };
  std::map<multicast::Epoch, ChainAt> chains_;
};

}  // namespace strata::simulation
