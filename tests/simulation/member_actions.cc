#include <algorithm>
#include <utility>

#include "multicast/core/durable_state.h"
#include "tests/simulation/member.h"

// What the driver does with the core's transmissions and writes.
namespace strata::simulation {

using multicast::Core;
using multicast::Destination;
using multicast::PacketType;

namespace {

Sent ToSent(Destination destination) {
  switch (destination) {
    case Destination::kGroup:
      return Sent::kGroup;
    case Destination::kAcks:
      return Sent::kAcks;
    case Destination::kUnicast:
      return Sent::kUnicast;
    case Destination::kMulticastOnly:
      return Sent::kMulticastOnly;
  }
  return Sent::kGroup;
}

}  // namespace

void Member::Do(multicast::TransmitAction& action) {
  PacketPtr packet = Packet::Parse({action.datagram.begin(), action.datagram.end()});
  if (wiring_.trace.wanted()) {
    const char* to = action.to == Destination::kUnicast ? "sends (unicast)" : "sends";
    wiring_.trace.Line(wiring_.queue.now(), id().value(), "%s %s", to, packet->Text().c_str());
  }
  if (packet->type() == PacketType::kFragment) {
    PacketPtr whole = sent_fragments_.Add(*packet);
    if (whole != nullptr && wiring_.trace.wanted()) {
      wiring_.trace.Line(wiring_.queue.now(), id().value(), "sends in pieces %s",
                         whole->Text().c_str());
    }
    if (whole != nullptr) wiring_.Tell(&Observer::OnTransmit, *this, *whole, ToSent(action.to));
  }
  wiring_.Tell(&Observer::OnTransmit, *this, *packet, ToSent(action.to));
  if (Triggers(*packet)) {
    DieSending(action, packet);
  } else {
    Carry(action, packet);
  }
}

void Member::Carry(const multicast::TransmitAction& action, const PacketPtr& packet) {
  auto by_unicast = [&](const Endpoint& endpoint) {
    const auto& members = wiring_.scenario.members;
    for (size_t to = 0; to < members.size(); ++to) {
      if (to != index_ && members[to].self.unicast == endpoint) {
        wiring_.network.Unicast(index_, to, packet);
      }
    }
  };
  const auto& fan_out = core_->fan_out();
  switch (action.to) {
    case Destination::kUnicast:
      by_unicast(action.unicast);
      return;
    case Destination::kMulticastOnly:
      wiring_.network.Multicast(index_, Port::kData, packet);
      return;
    case Destination::kGroup:
    case Destination::kAcks:
      if (fan_out.empty()) {
        Port port = action.to == Destination::kAcks ? Port::kAcks : Port::kData;
        wiring_.network.Multicast(index_, port, packet);
        return;
      }
      std::for_each(fan_out.begin(), fan_out.end(), by_unicast);
      return;
  }
}

bool Member::Triggers(const Packet& packet) const {
  if (!armed_.has_value()) return false;
  if (std::find(armed_->types.begin(), armed_->types.end(), packet.type()) == armed_->types.end()) {
    return false;
  }
  const auto* commit = packet.As<multicast::Commit>();
  return !armed_->needs_log_records || (commit != nullptr && !commit->records.empty());
}

void Member::DieSending(const multicast::TransmitAction& action, const PacketPtr& packet) {
  std::vector<bool> heard(wiring_.scenario.members.size());
  for (size_t i = 0; i < heard.size(); ++i) heard[i] = random_.Chance(armed_->heard);
  if (action.to != Destination::kUnicast && core_->fan_out().empty()) {
    wiring_.network.MulticastToSome(index_, Port::kData, packet, heard);
  }
  Crash();
  wiring_.crashed(index_);
}

std::vector<multicast::View> Member::ViewsOnDisk() const {
  std::vector<multicast::View> views;
  if (disk_.contents().empty()) return views;
  auto state = multicast::DecodeDurable(disk_.contents(), plan_.settings.group, id());
  if (state.ok() && state->installed) views.push_back(*state->installed);
  if (state.ok() && state->accepted) views.push_back(state->accepted->view);
  return views;
}

void Member::Do(multicast::PersistAction& action) {
  auto state = multicast::DecodeDurable(action.state, plan_.settings.group, id());
  if (state.ok() && state->accepted && state->accepted->ballot.proposer == id()) {
    wiring_.Tell(&Observer::OnDecided, *this, state->accepted->ballot);
  }
  disk_.Write(action.state, [this, id = action.id] {
    AddInput([id](Core& core, Timestamp now) { core.OnPersisted(id, now); });
  });
}

void Member::Do(multicast::AlarmAction& action) {
  wiring_.trace.Line(wiring_.queue.now(), id().value(), "alarm %u about member %u, detail %u",
                     static_cast<unsigned>(action.alarm), action.member.value(), action.detail);
}

}  // namespace strata::simulation
