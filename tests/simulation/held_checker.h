#pragma once

#include <map>
#include <optional>
#include <tuple>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// Nobody delivers a committed message unless every live full member holds all of it; and nobody
// acknowledges what it does not hold. What was acknowledged once is held, even if an abort holds
// the position back later.
class HeldChecker final : public Observer {
 public:
  explicit HeldChecker(Stage& stage) : stage_(stage) {}

  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;

 private:
  // (who, whose stream with incarnation)
  using Key = std::tuple<multicast::MemberId, multicast::Incarnation, multicast::MemberId,
                         multicast::Incarnation, multicast::StreamId>;

  Stage& stage_;
  std::map<Key, multicast::Seq> acked_;
};

// What `member` holds of a stream of exactly this incarnation of `origin`; nothing if its view does
// not have it.
std::optional<multicast::Seq> HeldOf(const MemberProbe& member, multicast::MemberId origin,
                                     const multicast::Incarnation& incarnation,
                                     multicast::StreamId stream);

}  // namespace strata::simulation
