#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "tests/simulation/observer.h"

namespace strata::simulation {

struct Economy {
  uint64_t gaps = 0;  // Streams that lost something, counted for each lost datagram.
  uint64_t requests = 0;
  uint64_t lost_bytes = 0;    // Payload lost anywhere, once for each transmission.
  uint64_t repair_bytes = 0;  // Payload sent again.

  Economy& operator+=(const Economy& other);
  // Against `requests <= 2 a gap` and `repair <= 1.3 lost`, with a little room in small numbers.
  bool Good(uint64_t spare_requests, uint64_t spare_bytes) const;
};

// Repair must be cheap and quick where nothing but loss happens: few requests, few bytes, and a
// lost last packet is found long before the next ordinary heartbeat.
class EconomyChecker final : public Observer {
 public:
  explicit EconomyChecker(Stage& stage) : stage_(stage) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnLost(const MemberProbe& receiver, const Packet& packet) override;
  void OnEnd(const MemberProbe& last) override;

  const Economy& economy() const { return economy_; }

 private:
  using StreamOf = std::pair<multicast::MemberId, multicast::StreamId>;
  struct Tail {
    multicast::Seq last = 0;
    Timestamp lost = Timestamp::Never();
  };
  void NoteRequests(const MemberProbe& from, const multicast::Resend& resend);

  Stage& stage_;
  Economy economy_;
  const Packet* counted_ = nullptr;  // The transmission whose loss was counted last.
  std::map<StreamOf, Tail> tails_;
};

}  // namespace strata::simulation
