#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/packet.h"

namespace strata::simulation {

// The sockets of a member.
enum class Port : uint8_t { kData, kAcks, kUnicast };

// One direction between two members.
struct Link {
  double loss = 0;
  double duplicate = 0;
  Duration delay = std::chrono::microseconds(30);
  Duration jitter{};          // Added to the delay, uniform: what reorders.
  bool blocked = false;       // A partition.
  bool no_multicast = false;  // Unicast still passes.
};

// A LAN in virtual time: every sender has an interface of 1 Gbit/s, every pair of members a link of
// its own that loses, duplicates, delays and reorders. Knows nothing of the protocol.
class Network {
 public:
  using Arrival = std::function<void(size_t to, Port port, const PacketPtr& packet, size_t from)>;
  using Loss = std::function<void(size_t to, Port port, const PacketPtr& packet)>;

  Network(size_t members, EventQueue& queue, RandomSource& random, Arrival arrival, Loss loss);

  // To all others by multicast, on kData or kAcks.
  void Multicast(size_t from, Port port, const PacketPtr& packet);
  void Unicast(size_t from, size_t to, const PacketPtr& packet);
  // As Multicast, but only those in `heard_by` get it: the sender dies while it sends.
  void MulticastToSome(size_t from, Port port, const PacketPtr& packet,
                       const std::vector<bool>& heard_by);

  Link& link(size_t from, size_t to) { return links_[from * members_ + to]; }
  void ForEachLink(const std::function<void(size_t from, size_t to, Link&)>& change);

 private:
  Timestamp Departure(size_t from, const PacketPtr& packet);
  void Carry(size_t from, size_t to, Port port, const PacketPtr& packet, Timestamp departure);

  size_t members_;
  EventQueue& queue_;
  RandomSource& random_;
  Arrival arrival_;
  Loss loss_;
  std::vector<Link> links_;
  std::vector<Timestamp> interface_free_;
};

}  // namespace strata::simulation
