#include "multicast/driver/link_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <utility>

namespace strata::multicast {
namespace {

UniqueFd OpenLinkSocket() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (fd.valid() &&
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fd.Close();
  }
  return fd;
}

std::string_view NameIn(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  auto left = static_cast<unsigned>(IFLA_PAYLOAD(message));
  for (const rtattr* a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    if (a->rta_type != IFLA_IFNAME) continue;
    const char* name = static_cast<const char*>(RTA_DATA(a));
    return std::string_view(name, strnlen(name, RTA_PAYLOAD(a)));
  }
  return {};
}

}  // namespace

LinkWatch::LinkWatch(std::string name, uint32_t index, bool up)
    : name_(std::move(name)), index_(index), up_(up), fd_(OpenLinkSocket()) {}

bool LinkWatch::Read() {
  alignas(nlmsghdr) std::array<uint8_t, 16384> buffer;
  bool came_up = false;
  while (true) {
    ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == ENOBUFS) {  // Messages were lost.
      came_up = true;
      continue;
    }
    if (n <= 0) return came_up;
    came_up |= ReadMessages(buffer.data(), static_cast<size_t>(n));
  }
}

bool LinkWatch::ReadMessages(const uint8_t* bytes, size_t size) {
  bool came_up = false;
  auto left = static_cast<unsigned>(size);
  for (const auto* m = reinterpret_cast<const nlmsghdr*>(bytes); NLMSG_OK(m, left);
       m = NLMSG_NEXT(m, left)) {
    if (m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK) came_up |= OnLink(m);
  }
  return came_up;
}

bool LinkWatch::OnLink(const nlmsghdr* message) {
  if (NameIn(message) != name_) return false;
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  bool was_up = up_;
  auto index = static_cast<uint32_t>(info->ifi_index);
  if (message->nlmsg_type == RTM_DELLINK) {
    if (index == index_) up_ = false;
    return false;
  }
  bool anew = index != index_;
  index_ = index;
  up_ = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0;
  return up_ && (!was_up || anew);
}

}  // namespace strata::multicast
