#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "cli/topology/endpoints.h"
#include "cli/topology/file_parts.h"
#include "cli/topology/ports.h"

namespace strata::cli::topology {
namespace {

constexpr uint32_t kGroupPortMax = 65534;
constexpr uint16_t kPlaces = std::numeric_limits<uint16_t>::max();

// Addresses of groups follow from the names of their scopes: a new scope moves nobody else's.
class Groups {
 public:
  Groups(const v1::TopologyFile& file, Plan& plan, Findings& findings)
      : file_(file), plan_(plan), findings_(findings) {}

  void Run() {
    std::set<IpAddress> taken;
    std::map<std::string, std::set<uint32_t>> ports;  // Of each machine.
    for (const bool told : kToldThenOthers) {
      for (PlannedScope& scope : plan_.scopes) GroupAddressOf(scope, told, taken);
    }
    for (const bool told : kToldThenOthers) {
      for (PlannedScope& scope : plan_.scopes) GroupPortOf(scope, told, ports);
    }
  }

 private:
  void GroupAddressOf(PlannedScope& scope, bool told, std::set<IpAddress>& taken) {
    const std::string& own = file_.scopes().at(scope.manager.scope).group().address();
    if (own.empty() == told) return;
    if (told) {
      // What is no address the loader has refused.
      scope.group = IpAddress::Parse(own).value_or(IpAddress());
      if (!scope.group.IsMulticast()) {
        Fault(scope.manager.scope, "group.address: " + own + " is no multicast address");
      }
    } else {
      scope.group = FreeGroup(scope, taken);
    }
    taken.insert(scope.group);
  }

  IpAddress FreeGroup(const PlannedScope& scope, const std::set<IpAddress>& taken) {
    const bool v6 = !scope.processes.empty() && !scope.processes.front().addresses.empty() &&
                    scope.processes.front().addresses.front().IsV6();
    const std::string& text = v6 ? file_.multicast().v6() : file_.multicast().v4();
    const IpAddress first = IpAddress::Parse(text).value_or(IpAddress());
    if (!first.IsMulticast() && wrong_groups_.insert(text).second) {
      Fault("multicast", text + " is no multicast address");
    }
    const std::string& name = scope.manager.scope;
    auto place = static_cast<uint16_t>(XXH3_64bits(name.data(), name.size()) % kPlaces + 1);
    // There are fewer scopes than places.
    while (taken.contains(AddressAt(first, place))) ++place;
    return AddressAt(first, place);
  }

  void GroupPortOf(PlannedScope& scope, bool told,
                   std::map<std::string, std::set<uint32_t>>& ports) {
    const uint32_t own = file_.scopes().at(scope.manager.scope).group().port();
    if ((own != 0) != told) return;
    uint32_t port = told ? own : file_.multicast().port();
    const auto is_taken = [&](const PlannedProcess& process) {
      return ports[process.machine].contains(port) || ports[process.machine].contains(port + 1);
    };
    const auto& all = scope.processes;
    while (!told && std::any_of(all.begin(), all.end(), is_taken)) port += 2;
    for (const PlannedProcess& process : all) ports[process.machine].insert({port, port + 1});
    if (port > kGroupPortMax) Fault(scope.manager.scope, "no port is left for its group");
    scope.group_port = static_cast<uint16_t>(port);
  }

  void Fault(const std::string& place, const std::string& text) {
    findings_.faults.push_back(place + ": " + text);
  }

  const v1::TopologyFile& file_;
  Plan& plan_;
  Findings& findings_;
  std::set<std::string> wrong_groups_;
};

}  // namespace

void AssignGroups(const v1::TopologyFile& file, Plan& plan, Findings& findings) {
  Groups(file, plan, findings).Run();
}

}  // namespace strata::cli::topology
