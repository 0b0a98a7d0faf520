#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>

namespace strata::simulation {

Network::Network(size_t members, EventQueue& queue, RandomSource& random, Arrival arrival,
                 Loss loss)
    : members_(members),
      queue_(queue),
      random_(random),
      arrival_(std::move(arrival)),
      loss_(std::move(loss)),
      links_(members * members),
      interface_free_(members) {}

Timestamp Network::Departure(size_t from, const PacketPtr& packet) {
  auto wire_time = Duration(static_cast<int64_t>(packet->datagram().size() + 66) * 8);
  interface_free_[from] = std::max(interface_free_[from], queue_.now()) + wire_time;
  return interface_free_[from];
}

void Network::Multicast(size_t from, Port port, const PacketPtr& packet) {
  MulticastToSome(from, port, packet, std::vector<bool>(members_, true));
}

void Network::MulticastToSome(size_t from, Port port, const PacketPtr& packet,
                              const std::vector<bool>& heard_by) {
  Timestamp departure = Departure(from, packet);
  for (size_t to = 0; to < members_; ++to) {
    if (to == from) continue;
    if (!heard_by[to] || link(from, to).no_multicast) {
      loss_(to, port, packet);
    } else {
      Carry(from, to, port, packet, departure);
    }
  }
}

void Network::Unicast(size_t from, size_t to, const PacketPtr& packet) {
  Carry(from, to, Port::kUnicast, packet, Departure(from, packet));
}

void Network::Carry(size_t from, size_t to, Port port, const PacketPtr& packet,
                    Timestamp departure) {
  const Link& link = this->link(from, to);
  if (link.blocked || random_.Chance(link.loss)) {
    loss_(to, port, packet);
    return;
  }
  int copies = random_.Chance(link.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Timestamp at = departure + link.delay;
    if (link.jitter > Duration::zero()) at += random_.Between(Duration::zero(), link.jitter);
    queue_.At(at, [this, to, port, packet, from] { arrival_(to, port, packet, from); });
  }
}

void Network::ForEachLink(const std::function<void(size_t, size_t, Link&)>& change) {
  for (size_t from = 0; from < members_; ++from) {
    for (size_t to = 0; to < members_; ++to) {
      if (from != to) change(from, to, link(from, to));
    }
  }
}

}  // namespace strata::simulation
