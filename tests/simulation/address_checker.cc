#include "tests/simulation/address_checker.h"

namespace strata::simulation {

void AddressChecker::OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) {
  if (packet.type() == multicast::PacketType::kAck && to != Sent::kAcks) {
    stage_.Fail("address", "member %u sends an ACK elsewhere than to the acks address",
                from.id().value());
  }
  if (packet.type() == multicast::PacketType::kResend && to != Sent::kGroup) {
    stage_.Fail("address", "member %u sends a RESEND elsewhere than to the group",
                from.id().value());
  }
}

}  // namespace strata::simulation
