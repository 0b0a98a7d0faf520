#include "multicast/driver/private_network.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/unique_fd.h"

namespace strata::multicast {
namespace {

bool RouteIpv6Multicast() {
  UniqueFd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  in6_rtmsg route{};
  route.rtmsg_dst.s6_addr[0] = 0xff;
  route.rtmsg_dst_len = 8;
  route.rtmsg_metric = 256;
  // "Local" is what lo accepts; an ordinary route it turns into a refusal.
  route.rtmsg_flags = RTF_UP | RTF_LOCAL;
  route.rtmsg_type = RTN_LOCAL;
  route.rtmsg_ifindex = static_cast<int>(if_nametoindex("lo"));
  return ioctl(fd.get(), SIOCADDRT, &route) == 0;
}

}  // namespace

bool SetLoopbackUp(bool up) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  if (ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  const int flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(flags);
  if (ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return false;
  return !up || RouteIpv6Multicast();
}

bool EnterPrivateNetwork() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return SetLoopbackUp(true);
}

}  // namespace strata::multicast
