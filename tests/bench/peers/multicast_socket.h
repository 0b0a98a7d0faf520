#pragma once

#include <netinet/in.h>

#include <cstdint>

// The sockets of the bare programs: one group, interface eth0, IPv4.
namespace strata::bench {

inline constexpr int kNoTimeout = -1;

sockaddr_in GroupAddress(uint16_t port);

// A socket that can send to the group; its own datagrams do not come back. Exits on failure.
int OpenSender();
// The same, and it is bound to the group's port and joined.
int OpenMember(uint16_t port);

void SendTo(int socket, const sockaddr_in& to, const void* bytes, size_t size);

// Takes what is there without waiting, and forgets it.
void Drain(int socket);

// Exits with the text of errno.
[[noreturn]] void Fail(const char* what);

}  // namespace strata::bench
