#pragma once

#include <sys/socket.h>

#include <optional>

#include "common/address.h"

namespace strata {

// An endpoint as the socket calls want it: bind(fd, s.get(), s.size).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);  // Room, before the kernel fills it in.

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const Endpoint& endpoint);

// Nothing if it is not of an IP family or is cut short.
std::optional<Endpoint> ToEndpoint(const sockaddr* address, socklen_t size);
inline std::optional<Endpoint> ToEndpoint(const SocketAddress& address) {
  return ToEndpoint(address.get(), address.size);
}

}  // namespace strata
