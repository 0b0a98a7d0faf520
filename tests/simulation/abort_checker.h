#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// After a completed abort nobody delivers the message, and nobody has before. Completed means: the
// SM's closing is in the log. A closing that died with its SM, unheard, never was; the flush may
// then commit the message (its owner is told so).
class AbortChecker final : public Observer {
 public:
  AbortChecker(Stage& stage, const BranchBook& branches) : stage_(stage), branches_(branches) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  using Key =
      std::tuple<multicast::MemberId, multicast::Incarnation, multicast::StreamId, multicast::Seq>;
  struct Fate {
    uint64_t closed = 0;  // Log number; 0: not closed.
    multicast::Epoch epoch;
    Stint closed_by;
    uint64_t delivered = 0;  // The lowest commit number; 0: not delivered.
    Stint by;
  };

  Stage& stage_;
  const BranchBook& branches_;
  std::map<multicast::Epoch, multicast::View> views_;
  std::map<Key, Fate> fates_;
};

}  // namespace strata::simulation
