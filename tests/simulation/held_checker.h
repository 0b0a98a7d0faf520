#pragma once

#include <optional>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// Nobody delivers a committed message unless every live full member holds all of it; and nobody
// acknowledges what it does not hold.
class HeldChecker final : public Observer {
 public:
  explicit HeldChecker(Stage& stage) : stage_(stage) {}

  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;

 private:
  Stage& stage_;
};

// What `member` holds of a stream of exactly this incarnation of `origin`; nothing if its view does
// not have it.
std::optional<multicast::Seq> HeldOf(const MemberProbe& member, multicast::MemberId origin,
                                     const multicast::Incarnation& incarnation,
                                     multicast::StreamId stream);

}  // namespace strata::simulation
