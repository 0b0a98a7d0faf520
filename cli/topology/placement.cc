#include "cli/topology/placement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/topology/file_parts.h"
#include "cli/topology/ports.h"
#include "common/near_miss.h"
#include "common/status.h"
#include "common/tls/identity.h"

namespace strata::cli::topology {
namespace {

using v1::HostFile;
using v1::ProcessFile;

// The addresses of a host's processes, one after the other.
struct HostInUse {
  const HostFile* file = nullptr;
  uint32_t next = 0;  // How far addresses are counted up.
};

class Placement {
 public:
  Placement(const v1::TopologyFile& file, Plan& plan, Findings& findings)
      : file_(file), plan_(plan), findings_(findings) {
    for (const auto& [name, host] : file_.hosts()) hosts_.emplace(name, HostInUse{&host, 0});
  }

  void Run() {
    for (const auto& [name, in_use] : hosts_) CheckHost(name, *in_use.file);
    for (const bool told : kToldThenOthers) PlaceAll(told);
    for (PlannedScope& scope : plan_.scopes) MarkSharedMachines(scope);
    TellUnusedHosts();
  }

 private:
  void Fault(const std::string& place, const std::string& text) {
    findings_.faults.push_back(place + ": " + text);
  }

  void CheckHost(const std::string& name, const HostFile& host) {
    const Status good = tls::CheckName(name);
    if (!good.ok()) Fault("hosts", MessageOf(good));
    if (host.addresses().empty()) Fault("host " + name, "it has no address");
    if (host.interface().empty()) Fault("host " + name, "it has no interface");
  }

  void PlaceAll(bool told) {
    for (PlannedScope& scope : plan_.scopes) {
      for (PlannedProcess& process : scope.processes) {
        if ((FileOf(file_, process).addresses_size() != 0) == told) Place(process);
      }
    }
  }

  void Place(PlannedProcess& process) {
    const ProcessFile& file = FileOf(file_, process);
    const std::string host = HostOf(process, file);
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return;
    HostInUse& in_use = found->second;
    used_hosts_.insert(host);
    process.interface = in_use.file->interface();
    process.machine = host;
    const std::vector<IpAddress> own = AddressesOf(file.addresses());
    if (!own.empty()) {
      PlaceAt(process, own, own, NumberInItem(process));
      if (in_use.file->own() == HostFile::OWN_MACHINE && !process.addresses.empty()) {
        process.machine = host + "-" + ToString(process.addresses.front());
      }
      return;
    }
    const std::vector<IpAddress> addresses = AddressesOf(in_use.file->addresses());
    std::vector<IpAddress> clients = AddressesOf(in_use.file->clients());
    if (clients.empty()) clients = addresses;
    const bool shared = in_use.file->own() == HostFile::OWN_PORT;
    const uint32_t step = shared ? 0 : NextStep(in_use, addresses, clients);
    PlaceAt(process, addresses, clients, step);
    if (in_use.file->own() == HostFile::OWN_MACHINE) {
      process.machine = host + "-" + std::to_string(step + 1);
      if (hosts_.contains(process.machine)) {
        Fault(NameOf(process), "its machine is called as the host " + process.machine);
      }
    }
  }

  // How many of the same item come before it.
  uint32_t NumberInItem(const PlannedProcess& process) const {
    uint32_t number = 0;
    for (const PlannedProcess& other : FindScope(plan_, process.scope)->processes) {
      if (&other == &process) break;
      if (other.role == process.role && other.item == process.item) ++number;
    }
    return number;
  }

  // Leaves out addresses that somebody has already.
  uint32_t NextStep(HostInUse& host, const std::vector<IpAddress>& addresses,
                    const std::vector<IpAddress>& clients) {
    const auto is_free = [&](const std::vector<IpAddress>& list) {
      return std::all_of(list.begin(), list.end(), [&](const IpAddress& address) {
        const auto counted = AddressAfter(address, host.next);
        return !counted || !given_.contains(*counted);
      });
    };
    while (!is_free(addresses) || !is_free(clients)) ++host.next;
    return host.next++;
  }

  void PlaceAt(PlannedProcess& process, const std::vector<IpAddress>& addresses,
               const std::vector<IpAddress>& clients, uint32_t step) {
    process.addresses = CountedUp(process, addresses, step);
    process.clients = clients == addresses ? process.addresses : CountedUp(process, clients, step);
  }

  std::vector<IpAddress> CountedUp(const PlannedProcess& process,
                                   const std::vector<IpAddress>& addresses, uint32_t step) {
    std::vector<IpAddress> counted;
    for (const IpAddress& address : addresses) {
      const std::optional<IpAddress> one = AddressAfter(address, step);
      if (one) {
        counted.push_back(*one);
        given_.insert(*one);
      } else {
        Fault(NameOf(process),
              "there is no address " + std::to_string(step) + " after " + ToString(address));
      }
    }
    return counted;
  }

  std::string HostOf(const PlannedProcess& process, const ProcessFile& file) {
    std::string host = file.host();
    for (std::string scope = process.scope; host.empty() && !scope.empty();
         scope = ScopeAround(plan_, scope)) {
      host = HostOfScope(scope);
    }
    if (host.empty() && hosts_.size() == 1) return hosts_.begin()->first;
    if (host.empty()) {
      Fault(NameOf(process), "which host? Name one, here or in its scope");
    } else if (!hosts_.contains(host)) {
      Fault(NameOf(process), "host " + host + " is not there" + MeantHost(host));
    }
    return host;
  }

  // The one that the scope names, or that is called as it is; empty if there is neither.
  std::string HostOfScope(const std::string& scope) const {
    const std::string& named = file_.scopes().at(scope).host();
    const std::string last = scope.substr(scope.rfind('/') + 1);
    return named.empty() && hosts_.contains(last) ? last : named;
  }

  std::string MeantHost(const std::string& host) const {
    std::vector<std::string> names;
    for (const auto& [name, in_use] : hosts_) names.push_back(name);
    const std::string meant(NearMiss(host, names));
    return meant.empty() ? "" : "; did you mean " + meant + "?";
  }

  static void MarkSharedMachines(PlannedScope& scope) {
    std::map<std::string, size_t> members;
    for (const PlannedProcess& process : scope.processes) ++members[process.machine];
    for (PlannedProcess& process : scope.processes) {
      process.shares_machine = members[process.machine] > 1;
    }
  }

  void TellUnusedHosts() {
    for (const auto& [name, in_use] : hosts_) {
      if (!used_hosts_.contains(name))
        findings_.warnings.push_back("host " + name + ": nobody is on it");
    }
  }

  const v1::TopologyFile& file_;
  Plan& plan_;
  Findings& findings_;
  std::map<std::string, HostInUse> hosts_;
  std::set<std::string> used_hosts_;
  std::set<IpAddress> given_;
};

}  // namespace

void PlaceProcesses(const v1::TopologyFile& file, Plan& plan, Findings& findings) {
  Placement(file, plan, findings).Run();
}

}  // namespace strata::cli::topology
