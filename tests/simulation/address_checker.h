#pragma once

#include "tests/simulation/observer.h"

namespace strata::simulation {

// ACK and RESEND go to the group, never to one member.
class AddressChecker final : public Observer {
 public:
  explicit AddressChecker(Stage& stage) : stage_(stage) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;

 private:
  Stage& stage_;
};

}  // namespace strata::simulation
