#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/address.h"

// Addresses and ports that are given out one after the other. Pure.

namespace strata::cli::topology {

// The address `steps` after this one; nothing if there is none in its family.
std::optional<IpAddress> AddressAfter(const IpAddress& address, uint32_t steps);

// The address whose last 16 bits are `place`, all others those of `first`.
IpAddress AddressAt(const IpAddress& first, uint16_t place);

// Which ports of which addresses are taken, machine by machine. An address that is unspecified
// stands for all of its family.
class PortBook {
 public:
  // The first port for those who find theirs taken.
  explicit PortBook(uint16_t spare) : spare_(spare) {}

  // False if one of them was taken already; the others are taken in any case.
  bool Take(const std::string& machine, std::span<const IpAddress> addresses, uint16_t port);

  // Takes `wanted` if it is free at all of these addresses, else the first spare port that is; 0 if
  // there is none.
  uint16_t TakeFree(const std::string& machine, std::span<const IpAddress> addresses,
                    uint16_t wanted);

 private:
  bool IsFree(const std::string& machine, const IpAddress& address, uint16_t port) const;

  using Place = std::pair<std::string, uint16_t>;  // Machine and port.
  const uint16_t spare_;
  std::map<Place, std::set<IpAddress>> taken_;
};

}  // namespace strata::cli::topology
