#include "cli/topology/topology.h"

#include <stdlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/settings/settings_schema.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

namespace strata::cli::topology {
namespace {

constexpr const char* kHere = "hosts: {here: {addresses: [127.0.84.1], own: address}}\n";

class TopologyTest : public testing::Test {
 protected:
  TopologyTest() {
    folder_ = testing::TempDir() + "/topology-XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }

  void Write(const std::string& name, const std::string& text) {
    tls::WriteTestFile(folder_ + "/" + name, text, 0644);
  }

  // The plan of a file, and what was found in it.
  Plan Load(const std::string& text) {
    Write("t.yaml", text);
    found_ = {};
    const auto topology = LoadTopology(folder_ + "/t.yaml", found_);
    EXPECT_TRUE(topology.ok()) << MessageOf(topology.status());
    return topology.ok() ? topology->plan : Plan();
  }

  // As Load, of a file whose only host is `here`.
  Plan LoadHere(const std::string& scopes) { return Load(kHere + scopes); }

  static bool Has(const std::vector<std::string>& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(part) != std::string::npos;
    });
  }
  bool Fault(const std::string& part) const { return Has(found_.faults, part); }
  bool Warning(const std::string& part) const { return Has(found_.warnings, part); }

  std::string Told() const {
    std::string all;
    for (const std::string& fault : found_.faults) all += "fault " + fault + "\n";
    for (const std::string& warning : found_.warnings) all += "warning " + warning + "\n";
    return all;
  }

  std::string folder_;
  Findings found_;
};

const PlannedProcess& Process(const Plan& plan, const std::string& name) {
  static const PlannedProcess kNone;
  for (const PlannedScope& scope : plan.scopes) {
    for (const PlannedProcess& process : scope.processes) {
      if (NameOf(process) == name) return process;
    }
  }
  ADD_FAILURE() << name << " is not planned";
  return kNone;
}

std::string First(const std::vector<Endpoint>& endpoints) {
  return endpoints.empty() ? "" : ToString(endpoints.front());
}

TEST_F(TopologyTest, ItsSchemaIsSound) {
  const Status sound = CheckSettingsSchema(*v1::TopologyFile::descriptor());
  EXPECT_TRUE(sound.ok()) << MessageOf(sound);
}

TEST_F(TopologyTest, LevelsAndParentsFollowFromPaths) {
  const Plan plan = LoadHere(
      "scopes:\n"
      "  cdn-one/dc-one/lan-a: {engines: [{}]}\n"
      "  cdn-one/dc-one: {}\n"
      "  cdn-one: {}\n"
      "  cdn-two: {}\n"
      "  cdn-two/lan-b: {engines: [{count: 2}]}\n"
      "  exchange: {level: 4}\n");
  EXPECT_EQ(Told(), "");
  std::string told;
  for (const PlannedScope& scope : plan.scopes) {
    told += manager::federation::ToString(scope.manager) + " < " + scope.parent + "\n";
  }
  EXPECT_EQ(told,
            "exchange (level 4) < \n"
            "cdn-one (level 3) < exchange\n"
            "cdn-one/dc-one (level 2) < cdn-one\n"
            "cdn-one/dc-one/lan-a (level 1) < cdn-one/dc-one\n"
            "cdn-two (level 3) < exchange\n"
            "cdn-two/lan-b (level 1) < cdn-two\n");
}

TEST_F(TopologyTest, WhoHasNoNameGetsOne) {
  const Plan plan = LoadHere(
      "scopes: {lan-a: {managers: [{count: 2}, {name: spare}], witness: {},\n"
      "  engines: [{count: 2}, {}, {name: big}, {name: north, count: 2}, {name: north, count: "
      "1}]}}\n");
  std::string names;
  for (const PlannedProcess& process : plan.scopes.at(0).processes) names += process.name + " ";
  EXPECT_EQ(names, "sm-1 sm-2 spare w-1 se-1 se-2 se-3 big north-1 north-2 north-3 ");
  EXPECT_TRUE(Warning("a witness is the third vote of two managers; here are 3")) << Told();
}

TEST_F(TopologyTest, AddressesOfAHostAreSharedOrCountedUp) {
  const std::string scopes =
      "scopes: {lan-a: {engines: [{name: n, count: 2}, {name: own, addresses: [10.0.0.2]}]}}\n";
  const Plan ports = Load("hosts: {h: {addresses: [10.0.0.1]}}\n" + scopes);
  EXPECT_EQ(ToString(Process(ports, "lan-a/sm-1").rpc), "10.0.0.1:7400");
  EXPECT_EQ(First(Process(ports, "lan-a/sm-1").http), "10.0.0.1:80");
  EXPECT_EQ(First(Process(ports, "lan-a/n-1").http), "10.0.0.1:17400");
  EXPECT_EQ(First(Process(ports, "lan-a/n-2").http), "10.0.0.1:17401");
  EXPECT_EQ(First(Process(ports, "lan-a/n-1").peers), "10.0.0.1:81");
  EXPECT_EQ(ToString(Process(ports, "lan-a/n-2").status), "127.0.0.1:17400");
  EXPECT_EQ(First(Process(ports, "lan-a/own").http), "10.0.0.2:80");
  EXPECT_TRUE(Process(ports, "lan-a/n-1").shares_machine);
  EXPECT_EQ(Told(), "");

  const Plan addresses = Load("hosts: {h: {addresses: [10.0.0.1], own: address}}\n" + scopes);
  EXPECT_EQ(First(Process(addresses, "lan-a/n-1").http), "10.0.0.3:80") << "10.0.0.2 is own's";
  EXPECT_EQ(First(Process(addresses, "lan-a/n-2").http), "10.0.0.4:80");
  EXPECT_EQ(Process(addresses, "lan-a/n-2").machine, "h");

  const Plan machines = Load(
      "hosts: {h: {addresses: ['2001:db8::1'], clients: [192.0.2.1], own: machine}}\n"
      "public_status: true\nscopes: {lan-a: {engines: [{name: n, count: 2}]}}\n");
  const PlannedProcess& engine = Process(machines, "lan-a/n-2");
  EXPECT_EQ(engine.machine, "h-3");
  EXPECT_EQ(First(engine.http), "192.0.2.3:80");
  EXPECT_EQ(First(engine.peers), "[2001:db8::3]:81");
  EXPECT_EQ(ToString(engine.status), "[2001:db8::3]:7402");
  EXPECT_FALSE(engine.shares_machine);
  EXPECT_TRUE(machines.scopes.at(0).group.IsV6());
  EXPECT_EQ(Told(), "");
}

TEST_F(TopologyTest, AHostIsNamedOrFollowsFromTheScope) {
  const Plan plan = Load(
      "hosts:\n"
      "  a: {addresses: [10.0.1.1], own: machine}\n"
      "  paris: {addresses: [10.0.2.1], own: machine}\n"
      "  c: {addresses: [10.0.3.1], own: machine}\n"
      "scopes:\n"
      "  cdn: {host: a}\n"
      "  cdn/paris: {}\n"
      "  cdn/paris/lan-a: {engines: [{}, {host: c}]}\n"
      "  cdn/rome: {}\n");
  EXPECT_EQ(Process(plan, "cdn/sm-1").machine, "a-1");
  EXPECT_EQ(Process(plan, "cdn/paris/sm-1").machine, "paris-1");
  EXPECT_EQ(Process(plan, "cdn/paris/lan-a/se-1").machine, "paris-3");
  EXPECT_EQ(Process(plan, "cdn/paris/lan-a/se-2").machine, "c-1");
  EXPECT_EQ(Process(plan, "cdn/rome/sm-1").machine, "a-2");
  Load(
      "hosts: {a: {addresses: [10.0.1.1]}, bonn: {addresses: [10.0.2.1]}}\n"
      "scopes: {cdn: {}, cdn/x: {host: bnn}}\n");
  EXPECT_TRUE(Fault("cdn/sm-1: which host?")) << Told();
  EXPECT_TRUE(Fault("cdn/x/sm-1: host bnn is not there; did you mean bonn?")) << Told();
}

TEST_F(TopologyTest, ANewScopeMovesNobodysGroup) {
  const Plan before = LoadHere("scopes: {cdn: {}, cdn/b: {}, cdn/d: {}}\n");
  const Plan after = LoadHere("scopes: {cdn: {}, cdn/a: {}, cdn/b: {}, cdn/c: {}, cdn/d: {}}\n");
  for (const char* scope : {"cdn", "cdn/b", "cdn/d"}) {
    EXPECT_EQ(FindScope(before, scope)->group, FindScope(after, scope)->group) << scope;
  }
  EXPECT_EQ(FindScope(after, "cdn")->group_port, 7450);
  EXPECT_EQ(FindScope(after, "cdn/d")->group_port, 7458);
}

TEST_F(TopologyTest, ManagersAtOneMachineAreNotWhatTheyAreFor) {
  Load(
      "hosts: {a: {addresses: [10.0.1.1]}, b: {addresses: [10.0.2.1]},\n"
      "  c: {addresses: [10.0.3.1]}}\n"
      "scopes:\n"
      "  cdn: {managers: [{host: a, count: 2}]}\n"
      "  cdn/x: {managers: [{host: a}, {host: b}], witness: {host: b}}\n"
      "  cdn/y: {managers: [{host: a}, {host: b}], witness: {host: c}}\n");
  EXPECT_TRUE(Warning("cdn: sm-1 and sm-2 are both on machine a")) << Told();
  EXPECT_TRUE(Warning("cdn: two managers and no witness")) << Told();
  EXPECT_TRUE(Warning("cdn/x: sm-2 and w-1 are both on machine b")) << Told();
  EXPECT_EQ(found_.warnings.size(), 3u) << Told();
  EXPECT_EQ(found_.faults.size(), 0u) << Told();
}

TEST_F(TopologyTest, TellsAllThatIsWrongWithTheTree) {
  LoadHere(
      "scopes:\n"
      "  cdn: {level: 1, engines: [{}]}\n"
      "  cdn/x: {level: 2, engines: [{}]}\n"
      "  'cdn two': {}\n"
      "  other: {}\n");
  EXPECT_TRUE(Fault("cdn/x: engines are at level 1 only, and this is level 2")) << Told();
  EXPECT_TRUE(Fault("cdn two")) << Told();
  LoadHere("scopes: {cdn: {level: 1, engines: [{}]}, cdn/x: {level: 1}, other: {}}\n");
  EXPECT_TRUE(Fault("cdn/x (level 1) cannot hang under cdn (level 1)")) << Told();
  EXPECT_TRUE(Fault("other has no parent, like cdn: only one can be at the top")) << Told();
  EXPECT_TRUE(Warning("cdn/x: a farm without engines serves nothing")) << Told();
}

TEST_F(TopologyTest, TellsNamesThatAreTwiceOrNone) {
  LoadHere("scopes: {lan-a: {managers: [{name: one}], engines: [{name: one}, {name: 'a b'}]}}\n");
  EXPECT_TRUE(Fault("lan-a/one: there are two of this name")) << Told();
  EXPECT_TRUE(Fault("lan-a: ")) << Told();
  EXPECT_EQ(found_.faults.size(), 2u) << Told();
}

TEST_F(TopologyTest, TellsPortsThatCollide) {
  Load(
      "hosts: {h: {addresses: [10.0.0.1]}}\n"
      "http: {listen: ['0.0.0.0:8080']}\n"
      "scopes:\n"
      "  lan-a:\n"
      "    managers: [{rpc_port: 7000}, {rpc_port: 7000}]\n"
      "    engines: [{http_port: 8080, status_port: 7000}]\n");
  EXPECT_TRUE(Fault("lan-a/sm-2 (RPC): 10.0.0.1:7000 is that of lan-a/sm-1 (RPC), too")) << Told();
  EXPECT_TRUE(Fault("lan-a/sm-2 (HTTP): 0.0.0.0:8080 is that of lan-a/sm-1 (HTTP), too")) << Told();
  EXPECT_TRUE(Fault("lan-a/se-1 (HTTP): 10.0.0.1:8080 is that of lan-a/sm-1 (HTTP), too"));
  EXPECT_EQ(found_.faults.size(), 3u) << Told();
}

TEST_F(TopologyTest, TellsAddressesThatCannotBe) {
  Load(
      "hosts:\n"
      "  a: {addresses: [10.0.0.1], own: machine}\n"
      "  b: {addresses: [127.0.0.1]}\n"
      "  c: {addresses: [255.255.255.255], own: address}\n"
      "  d: {addresses: [10.0.9.1]}\n"
      "scopes:\n"
      "  cdn: {host: a, managers: [{}, {host: b}, {name: x, addresses: ['2001:db8::1']},\n"
      "    {name: y, addresses: [10.0.0.1]}]}\n"
      "  cdn/y: {host: c, managers: [{count: 2}], group: {address: 10.1.2.3}}\n"
      "  cdn/z: {host: b, managers: [{addresses: [10.0.0.1, fe80::1]}]}\n");
  EXPECT_EQ(found_.faults.size(), 6u) << Told();
  EXPECT_TRUE(Fault("cdn/sm-2: 127.0.0.1 is not to be reached from other machines")) << Told();
  EXPECT_TRUE(Fault("cdn/x: its first address, 2001:db8::1, is of another family")) << Told();
  EXPECT_TRUE(Fault("cdn/y/sm-2: there is no address 1 after 255.255.255.255")) << Told();
  EXPECT_TRUE(Fault("cdn/y: group.address: 10.1.2.3 is no multicast address")) << Told();
  EXPECT_TRUE(Fault("cdn/z/sm-1: 10.0.0.1 is both on machine a-10.0.0.1 and on b")) << Told();
  EXPECT_TRUE(Fault("cdn/z/sm-1: fe80::1 is no address that others could use")) << Told();
  EXPECT_TRUE(Warning("host d: nobody is on it")) << Told();
}

TEST_F(TopologyTest, TellsHostsThatAreNone) {
  Load(
      "hosts: {a: {addresses: []}, b: {addresses: [10.0.0.1], interface: ''}, 'a\\nb': {addresses: "
      "[10.0.0.2]}}\nscopes: {cdn: {host: a}}\n");
  EXPECT_TRUE(Fault("host a: it has no address")) << Told();
  EXPECT_TRUE(Fault("host b: it has no interface")) << Told();
  EXPECT_TRUE(Fault("hosts: ")) << Told();
  Load(
      "hosts: {a: {addresses: [10.0.0.1], own: machine}, a-1: {addresses: [10.0.1.1]}}\n"
      "scopes: {cdn: {host: a}, cdn/x: {host: a-1}}\n");
  EXPECT_TRUE(Fault("cdn/sm-1: its machine is called as the host a-1")) << Told();
}

TEST_F(TopologyTest, TellsGroupsThatCollide) {
  LoadHere(
      "scopes:\n"
      "  cdn: {group: {port: 7450}}\n"
      "  cdn/x: {group: {port: 7451}}\n");
  EXPECT_TRUE(Fault("have ports in common on machine here")) << Told();
  Load(
      "hosts: {a: {addresses: [10.0.1.1]}, b: {addresses: [10.0.2.1]}}\n"
      "scopes:\n"
      "  cdn: {host: a, group: {address: 239.1.1.1}}\n"
      "  cdn/x: {host: b, group: {address: 239.1.1.1}}\n");
  EXPECT_TRUE(Warning("cdn/x: its multicast group 239.1.1.1:7450 and that of cdn")) << Told();
  EXPECT_EQ(found_.faults.size(), 0u) << Told();
}

TEST_F(TopologyTest, TellsWhatIsWrongWithPolicies) {
  Write("films.yaml", "name: films\nhosts: [films.example]\n");
  LoadHere(
      "policies:\n"
      "  good: {rules: [{site: films, forward: scope}, {site: filmz, forward: none}]}\n"
      "  idle: {rules: [{forward: none}, {site: films, forward: full}]}\n"
      "  wrong: {rules: [{forward: summary}]}\n"
      "scopes:\n"
      "  cdn: {policy: good, sites: [films.yaml]}\n"
      "  cdn/x: {policy: goud}\n"
      "  cdn/y: {policy: wrong}\n");
  EXPECT_TRUE(Fault("cdn/x: policy goud is not there; did you mean good?")) << Told();
  EXPECT_TRUE(Fault("policy idle: rule 2 (site films: full) can never match")) << Told();
  EXPECT_TRUE(Fault("policy wrong: rule 1: forward: summary is not supported yet")) << Told();
  EXPECT_TRUE(Fault("cdn: has a policy, and no parent to tell anything")) << Told();
  EXPECT_TRUE(Warning("policy idle: nobody has it")) << Told();
  EXPECT_TRUE(
      Warning("policy good: site filmz is none of those applied here; did you mean films?"));
  EXPECT_EQ(found_.faults.size(), 4u) << Told();
  EXPECT_EQ(found_.warnings.size(), 2u) << Told();
}

TEST_F(TopologyTest, LooksAtTheFilesThatItNames) {
  Write("films.yaml", "name: films\n");
  Write("bad.yaml", "nome: films\n");
  LoadHere(
      "folder: relative\n"
      "scopes:\n"
      "  cdn: {sites: [films.yaml, bad.yaml, none.yaml], children: {regions: none.txt}}\n"
      "  cdn/x: {}\n"
      "  cdn/x/lan-a: {engines: [{}], sites: [films.yaml]}\n");
  EXPECT_TRUE(Fault("bad.yaml:1:1: nome: unknown key, did you mean \"name\"?")) << Told();
  EXPECT_TRUE(Fault("none.yaml: No such file")) << Told();
  EXPECT_TRUE(Fault("none.txt: No such file")) << Told();
  EXPECT_TRUE(Fault("cdn/x/lan-a: site films is applied at cdn already")) << Told();
  EXPECT_TRUE(Fault("folder: relative does not begin with /")) << Told();
}

TEST_F(TopologyTest, WhatIsNoTopologyIsToldByLineAndKey) {
  Write("t.yaml", "hosts: {h: {adresses: [10.0.0.1]}}\nscopes: {a: {level: 5}}\n");
  const Status status = LoadTopology(folder_ + "/t.yaml", found_).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(MessageOf(status).find("t.yaml:1:13: hosts.h.adresses: unknown key, did you mean"),
            std::string::npos)
      << MessageOf(status);
  EXPECT_NE(MessageOf(status).find("t.yaml:2:21: scopes.a.level: found \"5\""), std::string::npos)
      << MessageOf(status);
}

TEST_F(TopologyTest, ThereIsALimitToEverything) {
  LoadHere("scopes: {a: {engines: [{count: 1000}, {count: 1000}]}}\n");
  EXPECT_EQ(found_.faults.size(), 0u) << Told();
  std::string many = "scopes: {a: {engines: [";
  for (int i = 0; i < 11; ++i) many += "{count: 1000}, ";
  LoadHere(many + "]}}\n");
  EXPECT_TRUE(Fault("scopes: more than 10000 processes")) << Told();
  LoadHere("scopes: {a: {managers: [{count: 17}], engines: [{}]}}\n");
  EXPECT_TRUE(Fault("a: 17 managers, at most 16 can be")) << Told();
}

}  // namespace
}  // namespace strata::cli::topology
