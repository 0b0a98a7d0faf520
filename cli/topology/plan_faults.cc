#include "cli/topology/plan_faults.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/status.h"

namespace strata::cli::topology {
namespace {

using manager::federation::ManagerPlace;

constexpr uint32_t kPortsOfGroup = 2;

class Checker {
 public:
  Checker(const Plan& plan, Findings& findings) : plan_(plan), findings_(findings) {
    std::set<std::string> all;
    for (const PlannedScope& scope : plan_.scopes) {
      std::set<std::string>& machines = machines_.emplace_back();
      for (const PlannedProcess& process : scope.processes) machines.insert(process.machine);
      machines.erase("");
      all.insert(machines.begin(), machines.end());
    }
    several_machines_ = all.size() > 1;
  }

  void Run() {
    CheckTree();
    for (const PlannedScope& scope : plan_.scopes) {
      CheckMembers(scope);
      CheckNames(scope);
      CheckMachines(scope);
      for (const PlannedProcess& process : scope.processes) {
        CheckAddresses(scope, process);
        CheckPorts(process);
      }
    }
    CheckGroups();
  }

 private:
  void Fault(const std::string& place, const std::string& text) {
    findings_.faults.push_back(place + ": " + text);
  }
  void Warn(const std::string& place, const std::string& text) {
    findings_.warnings.push_back(place + ": " + text);
  }

  void CheckTree() {
    std::vector<ManagerPlace> places;
    for (const PlannedScope& scope : plan_.scopes) places.push_back({scope.manager, scope.parent});
    for (std::string& fault : manager::federation::FaultsOf(places)) {
      findings_.faults.push_back(std::move(fault));
    }
  }

  void CheckMembers(const PlannedScope& scope) {
    const std::string& place = scope.manager.scope;
    const size_t managers = ProcessesOf(scope, tls::Role::kManager).size();
    const size_t engines = ProcessesOf(scope, tls::Role::kEngine).size();
    const bool witness = !ProcessesOf(scope, tls::Role::kWitness).empty();
    const bool is_farm = scope.manager.level == manager::federation::kLevelMin;
    if (managers > kManagersOfScopeMax) {
      Fault(place, std::to_string(managers) + " managers, at most " +
                       std::to_string(kManagersOfScopeMax) + " can be");
    }
    if (!is_farm && engines != 0) {
      Fault(place, "engines are at level 1 only, and this is level " +
                       std::to_string(scope.manager.level));
    }
    if (is_farm && engines == 0) Warn(place, "a farm without engines serves nothing");
    if (managers == 2 && engines == 0 && !witness) {
      Warn(
          place,
          "two managers and no witness: if one is lost, the other leads only when an operator says "
          "so");
    }
    if (managers != 2 && witness) {
      Warn(place,
           "a witness is the third vote of two managers; here are " + std::to_string(managers));
    }
  }

  void CheckNames(const PlannedScope& scope) {
    std::set<std::string> names;
    for (const PlannedProcess& process : scope.processes) {
      const Status good = tls::CheckName(process.name);
      if (!good.ok()) {
        Fault(scope.manager.scope, MessageOf(good));
      } else if (!names.insert(process.name).second) {
        Fault(NameOf(process), "there are two of this name");
      }
    }
  }

  // Managers and witnesses are worth their number on machines of their own, if there are several.
  void CheckMachines(const PlannedScope& scope) {
    std::map<std::string, std::string> voters;  // Machine -> who is there.
    for (const PlannedProcess& process : scope.processes) {
      if (process.role == tls::Role::kEngine || process.machine.empty()) continue;
      const auto [first, added] = voters.emplace(process.machine, process.name);
      if (added || !several_machines_) continue;
      Warn(scope.manager.scope, first->second + " and " + process.name + " are both on machine " +
                                    process.machine + ": they are lost together");
    }
  }

  void CheckAddresses(const PlannedScope& scope, const PlannedProcess& process) {
    std::set<IpAddress> all(process.addresses.begin(), process.addresses.end());
    all.insert(process.clients.begin(), process.clients.end());
    for (const IpAddress& address : all) CheckAddress(process, address);
    if (process.addresses.empty() || scope.group.family() == process.addresses.front().family()) {
      return;
    }
    Fault(NameOf(process), "its first address, " + ToString(process.addresses.front()) +
                               ", is of another family than the group " + ToString(scope.group));
  }

  void CheckAddress(const PlannedProcess& process, const IpAddress& address) {
    if (address.IsUnspecified() || address.IsMulticast() || address.IsLinkLocal()) {
      Fault(NameOf(process), ToString(address) + " is no address that others could use");
    }
    const auto [first, added] = machine_of_.emplace(address, process.machine);
    if (!added && first->second != process.machine) {
      Fault(NameOf(process), ToString(address) + " is both on machine " + first->second +
                                 " and on " + process.machine);
    }
    if (address.IsLoopback() && several_machines_) {
      Fault(NameOf(process), ToString(address) + " is not to be reached from other machines");
    }
  }

  void CheckPorts(const PlannedProcess& process) {
    TakePort(process, process.status, "status");
    if (process.role == tls::Role::kManager) TakePort(process, process.rpc, "RPC");
    for (const Endpoint& endpoint : process.http) TakePort(process, endpoint, "HTTP");
    for (const Endpoint& endpoint : process.peers) TakePort(process, endpoint, "peers");
  }

  void TakePort(const PlannedProcess& process, const Endpoint& endpoint, const char* what) {
    if (process.addresses.empty()) return;  // Why so was told.
    if (endpoint.port == 0) {
      Fault(NameOf(process), std::string("no port is left for ") + what);
      return;
    }
    const std::string owner = NameOf(process) + " (" + what + ")";
    auto& taken = taken_[{process.machine, endpoint.port}];
    if (const std::string other = OwnerOf(taken, endpoint.ip); !other.empty()) {
      Fault(owner, ToString(endpoint) + " is that of " + other + ", too");
    }
    taken.emplace(endpoint.ip, owner);
  }

  using Owners = std::map<IpAddress, std::string>;

  // Who listens at this address, an unspecified one being all of its family; empty: nobody.
  static std::string OwnerOf(const Owners& taken, const IpAddress& ip) {
    const IpAddress all = ip.IsV6() ? IpAddress::V6({}) : IpAddress();
    for (const IpAddress& same : {ip, all}) {
      if (const auto it = taken.find(same); it != taken.end()) return it->second;
    }
    if (ip != all) return "";
    const auto it = std::find_if(taken.begin(), taken.end(), [&ip](const auto& other) {
      return other.first.family() == ip.family();
    });
    return it == taken.end() ? "" : it->second;
  }

  // Packets of a group reach everybody on a machine who listens on its port.
  void CheckGroups() {
    for (size_t i = 0; i < plan_.scopes.size(); ++i) {
      for (size_t j = 0; j < i; ++j) CheckPair(j, i);
    }
  }

  void CheckPair(size_t first, size_t second) {
    const PlannedScope& one = plan_.scopes[first];
    const PlannedScope& other = plan_.scopes[second];
    const uint32_t low = std::min(one.group_port, other.group_port);
    const uint32_t high = std::max(one.group_port, other.group_port);
    if (high - low >= kPortsOfGroup) return;
    const std::string text =
        "its multicast group " + ToString(Endpoint{other.group, other.group_port}) +
        " and that of " + one.manager.scope + ", " + ToString(Endpoint{one.group, one.group_port});
    if (const std::string machine = SharedMachine(first, second); !machine.empty()) {
      Fault(other.manager.scope, text + ", have ports in common on machine " + machine);
    } else if (one.group == other.group) {
      Warn(other.manager.scope, text + ", are the same: they must be on different LANs");
    }
  }

  // One that both scopes are on; empty if there is none.
  std::string SharedMachine(size_t first, size_t second) const {
    for (const std::string& machine : machines_[second]) {
      if (machines_[first].contains(machine)) return machine;
    }
    return "";
  }

  const Plan& plan_;
  Findings& findings_;
  std::vector<std::set<std::string>> machines_;  // Of each scope.
  bool several_machines_ = false;
  std::map<IpAddress, std::string> machine_of_;
  std::map<std::pair<std::string, uint16_t>, Owners> taken_;  // By machine and port.
};

}  // namespace

void CheckPlan(const Plan& plan, Findings& findings) { Checker(plan, findings).Run(); }

}  // namespace strata::cli::topology
