#include "multicast/driver/socket_set.h"

#include <utility>

#include "multicast/driver/udp_socket.h"

namespace strata::multicast {
namespace {

constexpr std::array<DriverCounter, kChannels> kDropCounters = {
    DriverCounter::kDroppedData, DriverCounter::kDroppedAcks, DriverCounter::kDroppedUnicast};

Status Check(const SocketSettings& settings) {
  if (!settings.group.IsMulticast()) {
    return InvalidArgument("%s is no multicast address", ToString(settings.group).c_str());
  }
  if (settings.port == 0 || settings.port == 65535) {
    return InvalidArgument("port %u: the group needs it and the next one", settings.port);
  }
  if (settings.ttl < 0 || settings.ttl > 255) {
    return InvalidArgument("ttl %d is not between 0 and 255", settings.ttl);
  }
  if (!settings.address.IsUnspecified() && settings.address.family() != settings.group.family()) {
    return InvalidArgument("own address %s and group %s are of different families",
                           ToString(settings.address).c_str(), ToString(settings.group).c_str());
  }
  return Ok();
}

Endpoint Scoped(Endpoint endpoint, uint32_t interface) {
  if (endpoint.ip.IsV6() && endpoint.ip.IsLinkLocal() && endpoint.interface == 0) {
    endpoint.interface = interface;
  }
  return endpoint;
}

Endpoint GroupEndpoint(const SocketSettings& settings, Channel channel, uint32_t interface) {
  int port = settings.port + (channel == Channel::kAcks ? 1 : 0);
  return Scoped({.ip = settings.group, .port = static_cast<uint16_t>(port)}, interface);
}

StatusOr<UniqueFd> OpenGroupSocket(const SocketSettings& settings, Channel channel,
                                   uint32_t interface) {
  UdpSocketOptions options = {.receive_buffer_bytes = settings.receive_buffer_bytes,
                              .reuse_address = true,
                              .coalesce = settings.coalescing};
  STRATA_ASSIGN_OR_RETURN(UniqueFd fd,
                          OpenUdpSocket(GroupEndpoint(settings, channel, interface), options));
  STRATA_RETURN_IF_ERROR(SetOwnMembershipsOnly(fd.get(), settings.group.family()));
  STRATA_RETURN_IF_ERROR(JoinGroup(fd.get(), settings.group, interface));
  return fd;
}

StatusOr<UniqueFd> OpenUnicastSocket(const SocketSettings& settings,
                                     const NetworkInterface& interface) {
  Endpoint own = {.ip = settings.address, .port = settings.unicast_port};
  if (own.ip.IsUnspecified()) {
    STRATA_ASSIGN_OR_RETURN(own.ip, PreferredAddress(interface, settings.group.family()));
  }
  UdpSocketOptions options = {.receive_buffer_bytes = settings.receive_buffer_bytes,
                              .send_buffer_bytes = settings.send_buffer_bytes,
                              .coalesce = settings.coalescing};
  STRATA_ASSIGN_OR_RETURN(UniqueFd fd, OpenUdpSocket(Scoped(own, interface.index), options));
  STRATA_RETURN_IF_ERROR(SetMulticastSending(fd.get(), settings.group.family(), interface.index,
                                             settings.ttl, settings.loopback));
  return fd;
}

}  // namespace

StatusOr<std::unique_ptr<SocketSet>> SocketSet::Open(const SocketSettings& settings,
                                                     DriverCounters& counters) {
  STRATA_RETURN_IF_ERROR(Check(settings));
  STRATA_ASSIGN_OR_RETURN(NetworkInterface interface, FindNetworkInterface(settings.interface));
  Sockets sockets;
  for (Channel channel : {Channel::kData, Channel::kAcks}) {
    STRATA_ASSIGN_OR_RETURN(sockets[static_cast<size_t>(channel)],
                            OpenGroupSocket(settings, channel, interface.index));
  }
  STRATA_ASSIGN_OR_RETURN(UniqueFd unicast, OpenUnicastSocket(settings, interface));
  STRATA_ASSIGN_OR_RETURN(Endpoint own, LocalEndpoint(unicast.get()));
  own.interface = 0;
  sockets[static_cast<size_t>(Channel::kUnicast)] = std::move(unicast);
  return std::unique_ptr<SocketSet>(
      new SocketSet(settings, std::move(interface), std::move(sockets), own, counters));
}

SocketSet::SocketSet(const SocketSettings& settings, NetworkInterface interface, Sockets sockets,
                     const Endpoint& unicast, DriverCounters& counters)
    : settings_(settings),
      interface_(std::move(interface)),
      counters_(counters),
      sockets_(std::move(sockets)),
      unicast_(unicast),
      data_to_(GroupEndpoint(settings_, Channel::kData, interface_.index)),
      acks_to_(GroupEndpoint(settings_, Channel::kAcks, interface_.index)),
      receiver_(counters),
      sender_(fd(Channel::kUnicast), settings.segmentation, counters),
      link_(interface_.name, interface_.index, interface_.up) {}

DatagramReceiver::Result SocketSet::Receive(Channel channel) {
  auto i = static_cast<size_t>(channel);
  return receiver_.Receive(sockets_[i].get(), kDropCounters[i], drops_seen_[i]);
}

void SocketSet::SendTo(const Endpoint& to, ByteSpan datagram) {
  sender_.Add(Scoped(to, interface_.index), datagram);
}

void SocketSet::OnLinkEvent() {
  bool came_up = link_.Read();
  interface_.up = link_.up();
  if (!came_up) return;
  counters_.Add(DriverCounter::kLinkUps);
  interface_.index = link_.index();
  if (!RenewMembership().ok()) counters_.Add(DriverCounter::kRejoinErrors);
}

Status SocketSet::RenewMembership() {
  for (Channel channel : {Channel::kData, Channel::kAcks}) {
    LeaveGroup(fd(channel), settings_.group, interface_.index);
    STRATA_RETURN_IF_ERROR(JoinGroup(fd(channel), settings_.group, interface_.index));
  }
  STRATA_RETURN_IF_ERROR(SetMulticastSending(fd(Channel::kUnicast), settings_.group.family(),
                                             interface_.index, settings_.ttl, settings_.loopback));
  data_to_ = GroupEndpoint(settings_, Channel::kData, interface_.index);
  acks_to_ = GroupEndpoint(settings_, Channel::kAcks, interface_.index);
  counters_.Add(DriverCounter::kRejoins);
  return Ok();
}

uint32_t SocketSet::receive_buffer_bytes() const { return ReceiveBufferBytes(fd(Channel::kData)); }

}  // namespace strata::multicast
