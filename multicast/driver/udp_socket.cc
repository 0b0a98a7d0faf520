#include "multicast/driver/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include <optional>

#include "common/sockaddr.h"

namespace strata::multicast {
namespace {

constexpr int kIpv6MulticastAll = 29;  // IPV6_MULTICAST_ALL, newer than the C library's header.

Status SetInt(int fd, int level, int option, int value, const char* what) {
  if (setsockopt(fd, level, option, &value, sizeof(value)) == 0) return Ok();
  return Unavailable("socket option %s = %d: %s", what, value, strerror(errno));
}

// The forced size needs a privilege; without it the system's maximum applies.
void SetBuffer(int fd, int forced, int ordinary, uint32_t bytes) {
  if (bytes == 0) return;
  int value = static_cast<int>(bytes);
  if (setsockopt(fd, SOL_SOCKET, forced, &value, sizeof(value)) == 0) return;
  setsockopt(fd, SOL_SOCKET, ordinary, &value, sizeof(value));
}

Status SetDontFragment(int fd, IpFamily family) {
  if (family == IpFamily::kV4) {
    return SetInt(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "IP_MTU_DISCOVER");
  }
  STRATA_RETURN_IF_ERROR(
      SetInt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "IPV6_MTU_DISCOVER"));
  return SetInt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1, "IPV6_DONTFRAG");
}

int SetMembership(int fd, const IpAddress& group, uint32_t interface, bool join) {
  if (group.IsV4()) {
    ip_mreqn request{};
    memcpy(&request.imr_multiaddr, group.bytes().data(), sizeof(request.imr_multiaddr));
    request.imr_ifindex = static_cast<int>(interface);
    return setsockopt(fd, IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                      sizeof(request));
  }
  ipv6_mreq request{};
  memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), sizeof(request.ipv6mr_multiaddr));
  request.ipv6mr_interface = interface;
  return setsockopt(fd, IPPROTO_IPV6, join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &request,
                    sizeof(request));
}

}  // namespace

StatusOr<UniqueFd> OpenUdpSocket(const Endpoint& bind_to, const UdpSocketOptions& options) {
  int domain = bind_to.ip.IsV4() ? AF_INET : AF_INET6;
  UniqueFd fd(socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Unavailable("UDP socket: %s", strerror(errno));
  if (bind_to.ip.IsV6()) {
    STRATA_RETURN_IF_ERROR(SetInt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"));
  }
  STRATA_RETURN_IF_ERROR(SetDontFragment(fd.get(), bind_to.ip.family()));
  STRATA_RETURN_IF_ERROR(SetInt(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL"));
  if (options.reuse_address) {
    STRATA_RETURN_IF_ERROR(SetInt(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  }
  SetBuffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer_bytes);
  SetBuffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer_bytes);
  // A kernel without it hands over one datagram at a time, which is as good.
  if (options.coalesce) (void)SetInt(fd.get(), IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO");

  SocketAddress address = ToSocketAddress(bind_to);
  if (bind(fd.get(), address.get(), address.size) != 0) {
    return Unavailable("bind %s: %s", ToString(bind_to).c_str(), strerror(errno));
  }
  return fd;
}

Status SetMulticastSending(int fd, IpFamily family, uint32_t interface, int ttl, bool loopback) {
  if (family == IpFamily::kV6) {
    int index = static_cast<int>(interface);
    STRATA_RETURN_IF_ERROR(SetInt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index, "IPV6_MULTICAST_IF"));
    STRATA_RETURN_IF_ERROR(
        SetInt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl, "IPV6_MULTICAST_HOPS"));
    return SetInt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loopback, "IPV6_MULTICAST_LOOP");
  }
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(interface);
  if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) != 0) {
    return Unavailable("socket option IP_MULTICAST_IF = interface %u: %s", interface,
                       strerror(errno));
  }
  STRATA_RETURN_IF_ERROR(SetInt(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl, "IP_MULTICAST_TTL"));
  return SetInt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, loopback, "IP_MULTICAST_LOOP");
}

Status SetOwnMembershipsOnly(int fd, IpFamily family) {
  if (family == IpFamily::kV4) {
    return SetInt(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL");
  }
  return SetInt(fd, IPPROTO_IPV6, kIpv6MulticastAll, 0, "IPV6_MULTICAST_ALL");
}

Status JoinGroup(int fd, const IpAddress& group, uint32_t interface) {
  if (SetMembership(fd, group, interface, true) == 0) return Ok();
  return Unavailable("join group %s on interface %u: %s", ToString(group).c_str(), interface,
                     strerror(errno));
}

void LeaveGroup(int fd, const IpAddress& group, uint32_t interface) {
  SetMembership(fd, group, interface, false);
}

StatusOr<Endpoint> LocalEndpoint(int fd) {
  SocketAddress address;
  if (getsockname(fd, address.get(), &address.size) != 0) {
    return Unavailable("local address: %s", strerror(errno));
  }
  std::optional<Endpoint> endpoint = ToEndpoint(address);
  if (!endpoint) return Internal("a UDP socket has no IP address");
  return *endpoint;
}

uint32_t ReceiveBufferBytes(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &size);
  return static_cast<uint32_t>(value);
}

}  // namespace strata::multicast
