#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// After a completed abort nobody delivers the message, and nobody has before.
class AbortChecker final : public Observer {
 public:
  explicit AbortChecker(Stage& stage) : stage_(stage) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;

 private:
  using Key =
      std::tuple<multicast::MemberId, multicast::Incarnation, multicast::StreamId, multicast::Seq>;
  struct Fate {
    bool closed = false;
    multicast::MemberId delivered_by{};
  };
  void Judge(const Key& key, const Fate& fate);

  Stage& stage_;
  std::map<multicast::Epoch, multicast::View> views_;
  std::map<Key, Fate> fates_;
};

}  // namespace strata::simulation
