#include "service_manager/routing/client_addresses.h"

namespace strata::manager::routing {
namespace {

constexpr uint16_t kHttpPort = 80;

Authorities AuthoritiesAt(const Endpoint& endpoint) {
  Authorities authorities;
  authorities.endpoint = endpoint;
  if (endpoint.port != kHttpPort) authorities.port = ":" + std::to_string(endpoint.port);
  const std::string ip = ToString(endpoint.ip);
  authorities.by_address = (endpoint.ip.IsV6() ? "[" + ip + "]" : ip) + authorities.port;
  return authorities;
}

}  // namespace

ClientAddresses::ClientAddresses(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    int& preferred = preferred_[endpoint.ip.IsV6() ? 1 : 0];
    if (preferred < 0) preferred = static_cast<int>(all_.size());
    all_.push_back(AuthoritiesAt(endpoint));
  }
}

const Authorities* ClientAddresses::Of(IpFamily family) const {
  const size_t first = family == IpFamily::kV6 ? 1 : 0;
  const int at = preferred_[first] >= 0 ? preferred_[first] : preferred_[1 - first];
  return at < 0 ? nullptr : &all_[static_cast<size_t>(at)];
}

}  // namespace strata::manager::routing
