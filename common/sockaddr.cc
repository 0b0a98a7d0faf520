#include "common/sockaddr.h"

#include <netinet/in.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace strata {

SocketAddress ToSocketAddress(const Endpoint& endpoint) {
  SocketAddress result;
  const ByteSpan bytes = endpoint.ip.bytes();
  if (endpoint.ip.IsV4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v4, sizeof(v4));
    result.size = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    v6.sin6_scope_id = endpoint.interface;
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &v6, sizeof(v6));
    result.size = sizeof(v6);
  }
  return result;
}

std::optional<Endpoint> ToEndpoint(const sockaddr* address, socklen_t size) {
  sa_family_t family = AF_UNSPEC;
  if (size < offsetof(sockaddr, sa_family) + sizeof(family)) return std::nullopt;
  std::memcpy(&family, &address->sa_family, sizeof(family));
  if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof(v4));
    std::array<uint8_t, 4> b;
    std::memcpy(b.data(), &v4.sin_addr, b.size());
    return Endpoint{IpAddress::V4(b[0], b[1], b[2], b[3]), ntohs(v4.sin_port), 0};
  }
  if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof(v6));
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return Endpoint{IpAddress::V6(bytes), ntohs(v6.sin6_port), v6.sin6_scope_id};
  }
  return std::nullopt;
}

}  // namespace strata
