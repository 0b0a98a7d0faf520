#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/status.h"

namespace strata::multicast {

// What the kernel says of a network interface at this moment.
struct NetworkInterface {
  std::string name;
  uint32_t index = 0;
  uint32_t mtu = 0;
  bool up = false;                   // Administratively up, and with a carrier.
  std::vector<IpAddress> addresses;  // In the kernel's order.
};

// NotFound names the interface.
StatusOr<NetworkInterface> FindNetworkInterface(const std::string& name);

// The address of `family` that others can best reach: the first that is not link-local, else the
// first. NotFound if there is none.
StatusOr<IpAddress> PreferredAddress(const NetworkInterface& interface, IpFamily family);

}  // namespace strata::multicast
