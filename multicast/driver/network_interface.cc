#include "multicast/driver/network_interface.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <optional>

#include "common/sockaddr.h"
#include "common/unique_fd.h"

namespace strata::multicast {
namespace {

socklen_t SizeOf(const sockaddr* address) {
  return address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

Status ReadAddresses(NetworkInterface& interface) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return Unavailable("interface addresses: %s", strerror(errno));
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || interface.name != at->ifa_name) continue;
    if (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6) continue;
    std::optional<Endpoint> endpoint = ToEndpoint(at->ifa_addr, SizeOf(at->ifa_addr));
    if (endpoint) interface.addresses.push_back(endpoint->ip);
  }
  freeifaddrs(list);
  return Ok();
}

}  // namespace

StatusOr<NetworkInterface> FindNetworkInterface(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) {
    return InvalidArgument("\"%s\" is no name of an interface", name.c_str());
  }
  NetworkInterface interface;
  interface.name = name;
  interface.index = if_nametoindex(name.c_str());
  if (interface.index == 0) return NotFound("there is no interface %s", name.c_str());
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  memcpy(request.ifr_name, name.c_str(), name.size());
  if (ioctl(fd.get(), SIOCGIFMTU, &request) != 0) {
    return Unavailable("MTU of interface %s: %s", name.c_str(), strerror(errno));
  }
  interface.mtu = static_cast<uint32_t>(request.ifr_mtu);
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) {
    return Unavailable("flags of interface %s: %s", name.c_str(), strerror(errno));
  }
  interface.up = (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
  STRATA_RETURN_IF_ERROR(ReadAddresses(interface));
  return interface;
}

StatusOr<IpAddress> PreferredAddress(const NetworkInterface& interface, IpFamily family) {
  std::optional<IpAddress> first;
  for (const IpAddress& address : interface.addresses) {
    if (address.family() != family) continue;
    if (!address.IsLinkLocal()) return address;
    if (!first) first = address;
  }
  if (first) return *first;
  return NotFound("interface %s has no %s address", interface.name.c_str(),
                  family == IpFamily::kV4 ? "IPv4" : "IPv6");
}

}  // namespace strata::multicast
