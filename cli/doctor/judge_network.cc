#include <algorithm>

#include "cli/doctor/judge.h"
#include "cli/readable.h"

namespace strata::cli::doctor {
namespace {

using Findings = std::vector<Finding>;

const char* ServiceOf(Kind kind) {
  switch (kind) {
    case Kind::kEngine:
      return "strata-engine";
    case Kind::kWitness:
      return "strata-witness";
    case Kind::kManager:
    case Kind::kCommand:
      return "strata-manager";
  }
  return "";
}

void JudgePort(const PortFacts& port, Kind kind, Findings& findings) {
  const std::string what = port.setting + " " + port.endpoint;
  switch (port.state) {
    case PortFacts::State::kFree:
      findings.push_back({Level::kOk, "ports", what + " is free", ""});
      return;
    case PortFacts::State::kOurs:
      findings.push_back({Level::kOk, "ports", what + " is held by " + port.holder, ""});
      return;
    case PortFacts::State::kTaken:
      findings.push_back({Level::kFail, "ports", what + " is taken by " + port.holder,
                          port.holder.starts_with("nginx") && kind == Kind::kEngine
                              ? "an nginx of the system's own? systemctl disable --now nginx"
                              : "end that program, or take another port"});
      return;
    case PortFacts::State::kHeld:
      findings.push_back(
          {Level::kWarn, "ports", what + " is held by a program of another user",
           std::string("as root, doctor says by which; is it ") + ServiceOf(kind) + "?"});
      return;
    case PortFacts::State::kUnusable:
      findings.push_back({Level::kFail, "ports",
                          "this machine cannot listen at " + what + ": " + port.problem,
                          "is it an address of this machine? Ports below 1024 take root or "
                          "CAP_NET_BIND_SERVICE"});
      return;
  }
}

void JudgeStatus(const Facts& facts, Findings& findings) {
  if (!facts.status || !facts.status->answers) return;
  const StatusFacts& status = *facts.status;
  findings.push_back({status.healthy ? Level::kOk : Level::kFail, "service",
                      "http://" + status.endpoint + "/healthz says: " + status.says,
                      status.healthy ? ""
                                     : std::string("journalctl -u ") +
                                           ServiceOf(facts.settings.kind) + " tells more"});
}

void JudgeInterface(const MulticastFacts& lan, Findings& findings) {
  if (!lan.own_address_there) {
    findings.push_back({Level::kFail, "multicast",
                        lan.own_address + " is no address of " + lan.interface,
                        "correct lan.unicast_address, or leave it out"});
  }
  if (lan.mtu < kMtuMin) {
    findings.push_back({Level::kFail, "multicast",
                        lan.interface + " has an MTU of " + ReadableCount(lan.mtu),
                        "ip link set " + lan.interface + " mtu 1500"});
  }
  if (!lan.mute_bridge.empty()) {
    findings.push_back(
        {Level::kWarn, "multicast",
         "the bridge " + lan.mute_bridge +
             " snoops on IGMP and nobody asks: it forgets members after minutes",
         "ip link set " + lan.mute_bridge + " type bridge mcast_querier 1 (or mcast_snooping 0)"});
  }
}

void JudgeFamily(const MulticastFacts& lan, const MulticastFacts::Family& family,
                 Findings& findings) {
  if (!family.has_address) {
    if (!family.wanted) return;
    findings.push_back({Level::kFail, "multicast",
                        lan.interface + " has no " + family.name +
                            " address, and the farm's group is of that family",
                        "give it one, or take a group of the other family"});
    return;
  }
  const Level level = family.wanted ? Level::kFail : Level::kWarn;
  if (!family.problem.empty()) {
    findings.push_back({level, "multicast",
                        family.name + " multicast on " + lan.interface + ": " + family.problem,
                        "ip maddr and ip route show what there is; a route for multicast may be "
                        "missing"});
  } else if (!family.own_heard) {
    findings.push_back(
        {level, "multicast",
         "a packet to a group of " + family.name + " did not come back on " + lan.interface,
         "a firewall of this machine? nft list ruleset; ip link shows whether the "
         "interface has MULTICAST"});
  } else {
    findings.push_back({Level::kOk, "multicast",
                        family.name + " multicast works on " + lan.interface + " (MTU " +
                            std::to_string(lan.mtu) + ")",
                        ""});
  }
}

void JudgeGroup(const MulticastFacts& lan, Findings& findings) {
  if (lan.group.empty()) return;
  if (lan.heard.empty()) {
    if (!lan.group_sure) return;
    findings.push_back({Level::kWarn, "multicast",
                        "nobody was heard in the farm's group " + lan.group,
                        "well if no member runs elsewhere; else IGMP or MLD snooping of a switch "
                        "without querier, a firewall, or another group.address there: "
                        "group_probe tells more"});
    return;
  }
  std::string senders;
  for (const MulticastFacts::Sender& sender : lan.heard) {
    senders += (senders.empty() ? "" : ", ") + sender.address;
  }
  findings.push_back({Level::kOk, "multicast",
                      "heard in the farm's group " + lan.group + ": " + senders +
                          (lan.sealed ? " (encrypted)" : ""),
                      ""});
  for (const std::string& fault : lan.probed) {
    findings.push_back({Level::kWarn, "multicast", fault, "group_probe tells more"});
  }
}

}  // namespace

void JudgePorts(const Facts& facts, Findings& findings) {
  for (const PortFacts& port : facts.ports) JudgePort(port, facts.settings.kind, findings);
  JudgeStatus(facts, findings);
}

void JudgeManagers(const Facts& facts, Findings& findings) {
  const bool any = std::any_of(facts.managers.begin(), facts.managers.end(),
                               [](const ManagerFacts& manager) { return manager.answers; });
  for (const ManagerFacts& manager : facts.managers) {
    if (manager.answers) {
      findings.push_back({Level::kOk, "managers", manager.address + " " + manager.says, ""});
    } else if (manager.refused) {
      findings.push_back({Level::kFail, "managers", manager.address + ": " + manager.problem,
                          "certificates of both sides have to come from one authority, be of this "
                          "time and not revoked"});
    } else {
      // One of several may be away.
      findings.push_back({any ? Level::kWarn : Level::kFail, "managers",
                          manager.address + ": " + manager.problem,
                          "is strata-manager running there, is this its rpc_listen, and does a "
                          "firewall let it through?"});
    }
  }
}

void JudgeMulticast(const Facts& facts, Findings& findings) {
  if (!facts.multicast) return;
  const MulticastFacts& lan = *facts.multicast;
  if (!lan.exists) {
    findings.push_back(
        {Level::kFail, "multicast", lan.problem, "ip link shows the names; correct lan.interface"});
    return;
  }
  if (!lan.up) {
    findings.push_back({Level::kFail, "multicast",
                        "interface " + lan.interface + " is down, or has no carrier",
                        "ip link set " + lan.interface + " up; is the cable in?"});
    return;
  }
  JudgeInterface(lan, findings);
  for (const MulticastFacts::Family& family : lan.families) JudgeFamily(lan, family, findings);
  JudgeGroup(lan, findings);
}

}  // namespace strata::cli::doctor
