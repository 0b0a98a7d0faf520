#include "cli/topology/endpoints.h"

#include <cstdint>
#include <string>
#include <vector>

#include "cli/topology/file_parts.h"
#include "cli/topology/ports.h"

namespace strata::cli::topology {
namespace {

const IpAddress kLoopback = IpAddress::V4(127, 0, 0, 1);

class Ports {
 public:
  Ports(const v1::TopologyFile& file, Plan& plan)
      : file_(file), plan_(plan), ports_(static_cast<uint16_t>(file.ports().spare())) {}

  void PortAll(bool told) {
    for (PlannedScope& scope : plan_.scopes) {
      for (PlannedProcess& process : scope.processes) {
        if (!process.addresses.empty()) PortsOf(process, told);
      }
    }
  }

 private:
  void PortsOf(PlannedProcess& process, bool told) {
    const v1::ProcessFile& file = FileOf(file_, process);
    const v1::PortsFile& ports = file_.ports();
    const std::vector<IpAddress> own = {process.addresses.front()};
    const std::vector<IpAddress> status = {
        file_.public_status() || own[0].IsLoopback() ? own[0] : kLoopback};
    const bool is_manager = process.role == tls::Role::kManager;
    const bool is_engine = process.role == tls::Role::kEngine;
    if (is_manager) Assign(process, own, file.rpc_port(), ports.rpc(), told, process.rpc);
    const uint32_t status_port = is_manager  ? ports.manager_status()
                                 : is_engine ? ports.engine_status()
                                             : ports.witness_status();
    Assign(process, status, file.status_port(), status_port, told, process.status);
    if (is_engine || (is_manager && HasFrontEnd(process, told))) {
      AssignAll(process, process.clients, file.http_port(), ports.http(), told, process.http);
    }
    if (is_engine) {
      AssignAll(process, own, file.peer_port(), ports.peers(), told, process.peers);
    }
  }

  // Whether a port has to be found for it; endpoints that the file tells are taken at once.
  bool HasFrontEnd(PlannedProcess& process, bool told) {
    const v1::ScopeFile& scope = file_.scopes().at(process.scope);
    if (!scope.front_end()) return false;
    const auto& http = scope.has_http() ? scope.http() : file_.http();
    if (http.listen().empty()) return true;
    for (const std::string& text : http.listen()) {
      const auto endpoint = Endpoint::Parse(text);
      if (!told || !endpoint.ok()) continue;
      ports_.Take(process.machine, {{endpoint->ip}}, endpoint->port);
      process.http.push_back(*endpoint);
    }
    return false;
  }

  void Assign(const PlannedProcess& process, const std::vector<IpAddress>& addresses, uint32_t own,
              uint32_t usual, bool told, Endpoint& endpoint) {
    std::vector<Endpoint> endpoints;
    AssignAll(process, addresses, own, usual, told, endpoints);
    if (!endpoints.empty()) endpoint = endpoints.front();
  }

  // One port at all these addresses: its own, or else one that is free.
  void AssignAll(const PlannedProcess& process, const std::vector<IpAddress>& addresses,
                 uint32_t own, uint32_t usual, bool told, std::vector<Endpoint>& endpoints) {
    if ((own != 0) != told) return;
    auto port = static_cast<uint16_t>(own);
    if (told) {
      ports_.Take(process.machine, addresses, port);
    } else {
      port = ports_.TakeFree(process.machine, addresses, static_cast<uint16_t>(usual));
    }
    for (const IpAddress& address : addresses) endpoints.push_back({address, port});
  }

  const v1::TopologyFile& file_;
  Plan& plan_;
  PortBook ports_;
};

}  // namespace

void AssignPorts(const v1::TopologyFile& file, Plan& plan) {
  Ports ports(file, plan);
  for (const bool told : kToldThenOthers) ports.PortAll(told);
}

}  // namespace strata::cli::topology
