#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/address.h"

namespace strata::manager::routing {

// How clients call an engine or a front end, as it stands in a URI.
struct Authorities {
  std::string by_address;  // "192.0.2.7", "[2001:db8::7]:8080": without the default port.
  std::string port;        // ":8080"; empty for the default port.
  Endpoint endpoint;
};

// All addresses at which clients reach one of them. Immutable.
class ClientAddresses {
 public:
  explicit ClientAddresses(const std::vector<Endpoint>& endpoints);

  // How a client of `family` calls it: by its first address of his family, else by the first of the
  // other; null if it has none at all. Lives as long as this object, wherever that is moved.
  const Authorities* Of(IpFamily family) const;

 private:
  std::vector<Authorities> all_;
  std::array<int, 2> preferred_{-1, -1};  // For clients of IPv4, of IPv6; a place in all_.
};

}  // namespace strata::manager::routing
