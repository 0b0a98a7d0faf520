#include "tests/bench/peers/multicast_socket.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace strata::bench {
namespace {

constexpr const char* kInterface = "eth0";
constexpr int kBufferBytes = 32 << 20;

}  // namespace

void Fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in GroupAddress(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((239U << 24) | (7U << 16) | (7U << 8) | 30U);
  return address;
}

int OpenSender() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) Fail("socket");
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kBufferBytes, sizeof kBufferBytes);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off);
  return fd;
}

int OpenMember(uint16_t port) {
  const int fd = OpenSender();
  const sockaddr_in address = GroupAddress(port);
  ip_mreqn membership = {};
  membership.imr_multiaddr = address.sin_addr;
  membership.imr_ifindex = static_cast<int>(if_nametoindex(kInterface));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) Fail("bind");
  if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership) != 0) {
    Fail("join");
  }
  return fd;
}

void SendTo(int socket, const sockaddr_in& to, const void* bytes, size_t size) {
  if (sendto(socket, bytes, size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 &&
      errno != ENOBUFS) {
    Fail("send");
  }
}

void Drain(int socket) {
  std::array<char, 256> bytes;
  while (recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace strata::bench
