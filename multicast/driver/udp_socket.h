#pragma once

#include <cstdint>
#include <string>

#include "common/address.h"
#include "common/status.h"
#include "common/unique_fd.h"

// Opening and configuring the UDP sockets of a member; every error names what was asked for.
namespace strata::multicast {

struct UdpSocketOptions {
  uint32_t receive_buffer_bytes = 0;
  uint32_t send_buffer_bytes = 0;
  bool reuse_address = false;  // Several members of one machine share a group's port.
  bool coalesce = false;       // Let the kernel hand over trains (UDP_GRO), if it can.
};

// A bound socket: non-blocking, don't-fragment, telling its drops (SO_RXQ_OVFL).
StatusOr<UniqueFd> OpenUdpSocket(const Endpoint& bind_to, const UdpSocketOptions& options);

// How packets to the group leave by `fd`.
Status SetMulticastSending(int fd, IpFamily family, uint32_t interface, int ttl, bool loopback);

// Makes `fd` receive the packets of its own memberships only (IP_MULTICAST_ALL off).
Status SetOwnMembershipsOnly(int fd, IpFamily family);

Status JoinGroup(int fd, const IpAddress& group, uint32_t interface);
// Whether there was a membership does not matter.
void LeaveGroup(int fd, const IpAddress& group, uint32_t interface);

StatusOr<Endpoint> LocalEndpoint(int fd);

// What the kernel granted, as it counts: its bookkeeping included.
uint32_t ReceiveBufferBytes(int fd);

}  // namespace strata::multicast
