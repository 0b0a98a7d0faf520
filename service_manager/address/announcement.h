#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/address.h"
#include "common/bytes.h"

// Ethernet frames that tell all of a LAN where an address is now. Pure.
namespace strata::manager::address {

using MacAddress = std::array<uint8_t, 6>;

enum class ArpForm : uint8_t { kRequest = 1, kReply = 2 };

// An ARP announcement (RFC 826; RFC 5227, section 3) of an IPv4 address, to everybody. Some systems
// take up one form only.
Bytes ArpAnnouncement(const MacAddress& self, const IpAddress& address, ArpForm form);

// An unsolicited neighbor advertisement with the override flag (RFC 4861, section 7.2.6) of an IPv6
// address, to all nodes.
Bytes NeighborAdvertisement(const MacAddress& self, const IpAddress& address);

// All that is sent at once for an address: both forms of ARP, or the advertisement.
std::vector<Bytes> AnnouncementsOf(const MacAddress& self, const IpAddress& address);

}  // namespace strata::manager::address
