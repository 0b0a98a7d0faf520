#include "service_manager/address/floating_addresses.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/sockaddr.h"
#include "service_manager/address/address_request.h"
#include "service_manager/address/announcement.h"
#include "service_manager/address/limits.h"

namespace strata::manager::address {
namespace {

constexpr char kRights[] =
    "floating addresses take the rights CAP_NET_ADMIN and CAP_NET_RAW: the unit strata-manager "
    "gives them by a drop-in, see floating addresses in the operator's guide";

Status OpenError(const char* what) {
  if (errno == EPERM || errno == EACCES) return PermissionDenied("%s", kRights);
  return Unavailable("%s: %s", what, std::strerror(errno));
}

size_t PrefixLength(const IpAddress& mask) {
  size_t bits = 0;
  for (const uint8_t byte : mask.bytes()) bits += static_cast<size_t>(std::popcount(byte));
  return bits;
}

std::optional<IpAddress> IpOf(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  const socklen_t size = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  const std::optional<Endpoint> endpoint = ToEndpoint(address, size);
  if (!endpoint) return std::nullopt;
  return endpoint->ip;
}

// The addresses of this machine that are more than host addresses.
std::vector<IpAddress> OwnAddresses() {
  std::vector<IpAddress> own;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return own;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    const std::optional<IpAddress> ip = IpOf(at->ifa_addr);
    const std::optional<IpAddress> mask = IpOf(at->ifa_netmask);
    if (ip && mask && PrefixLength(*mask) < ip->bytes().size() * 8) own.push_back(*ip);
  }
  freeifaddrs(first);
  return own;
}

// Nothing for an interface that has none.
std::optional<MacAddress> MacOf(int socket, const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(socket, SIOCGIFHWADDR, &request) != 0) return std::nullopt;
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return std::nullopt;
  MacAddress mac;
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

}  // namespace

StatusOr<std::unique_ptr<FloatingAddresses>> FloatingAddresses::Open(
    FloatingAddressOptions options) {
  if (options.addresses.size() > kAddressesMax) {
    return InvalidArgument("%zu floating addresses, more than %zu", options.addresses.size(),
                           kAddressesMax);
  }
  if (options.lifetime < std::chrono::seconds(1)) {
    return InvalidArgument("floating addresses: a lifetime of less than 1 s");
  }
  auto opened = std::unique_ptr<FloatingAddresses>(new FloatingAddresses(std::move(options)));
  if (opened->options_.addresses.empty()) return opened;
  STRATA_RETURN_IF_ERROR(opened->Index());
  STRATA_RETURN_IF_ERROR(opened->CheckOwn());
  STRATA_RETURN_IF_ERROR(opened->OpenSockets());
  const Status removed = opened->Remove();
  if (removed.code() == StatusCode::kPermissionDenied) return PermissionDenied("%s", kRights);
  STRATA_RETURN_IF_ERROR(removed);
  return opened;
}

Status FloatingAddresses::OpenSockets() {
  netlink_ = UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink_.valid()) return OpenError("rtnetlink");
  timeval wait{};
  wait.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(kNetlinkWait).count();
  if (setsockopt(netlink_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0) {
    return OpenError("rtnetlink");
  }
  // Protocol 0: it hears nothing, it only sends.
  packet_ = UniqueFd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return packet_.valid() ? Ok() : OpenError("packet socket");
}

Status FloatingAddresses::CheckOwn() const {
  const std::vector<IpAddress> own = OwnAddresses();
  for (const IpAddress& address : options_.addresses) {
    if (std::find(own.begin(), own.end(), address) == own.end()) continue;
    return FailedPrecondition(
        "%s is this machine's own address: a floating address belongs to no machine, take it out "
        "of the network's configuration",
        ToString(address).c_str());
  }
  return Ok();
}

StatusOr<unsigned> FloatingAddresses::Index() const {
  const unsigned index = if_nametoindex(options_.interface.c_str());
  if (index != 0) return index;
  return NotFound("floating addresses: there is no network interface %s",
                  options_.interface.c_str());
}

Status FloatingAddresses::Put() {
  if (options_.addresses.empty()) return Ok();
  STRATA_ASSIGN_OR_RETURN(const unsigned index, Index());
  Status first;
  for (const IpAddress& address : options_.addresses) {
    const Status put = Ask(netlink_.get(),
                           {.what = AddressRequest::What::kPut,
                            .interface = index,
                            .address = address,
                            .lifetime = options_.lifetime},
                           ++sequence_);
    if (first.ok()) first = put;
  }
  return first;
}

Status FloatingAddresses::Remove() {
  if (options_.addresses.empty()) return Ok();
  const StatusOr<unsigned> index = Index();
  if (!index.ok()) return Ok();  // Its addresses went with it.
  Status first;
  for (const IpAddress& address : options_.addresses) {
    const Status removed =
        Ask(netlink_.get(),
            {.what = AddressRequest::What::kRemove, .interface = *index, .address = address},
            ++sequence_);
    if (first.ok() && removed.code() != StatusCode::kNotFound) first = removed;
  }
  return first;
}

StatusOr<int> FloatingAddresses::Announce() {
  if (options_.addresses.empty()) return 0;
  STRATA_ASSIGN_OR_RETURN(const unsigned index, Index());
  // Asked each time: bonds and bridges change theirs.
  const std::optional<MacAddress> mac = MacOf(packet_.get(), options_.interface);
  if (!mac) return 0;
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(index);
  int sent = 0;
  for (const IpAddress& address : options_.addresses) {
    for (const Bytes& frame : AnnouncementsOf(*mac, address)) {
      if (sendto(packet_.get(), frame.data(), frame.size(), 0,
                 reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0) {
        return Unavailable("announce %s: %s", ToString(address).c_str(), std::strerror(errno));
      }
      ++sent;
    }
  }
  return sent;
}

}  // namespace strata::manager::address
