#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "cli/doctor/gather.h"
#include "common/file.h"
#include "common/system_random.h"
#include "multicast/driver/counters.h"
#include "multicast/driver/network_interface.h"
#include "multicast/driver/socket_set.h"
#include "multicast/tools/probe_findings.h"
#include "multicast/tools/prober.h"
#include "multicast/wire/header.h"

namespace strata::cli::doctor {
namespace {

using multicast::Channel;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kOwnPatience(500);
constexpr std::chrono::milliseconds kListenFor(1500);  // Members are silent for no longer.
constexpr size_t kSendersMax = 256;
constexpr uint16_t kTestPorts = 20000;  // A random one from here on: nobody else's.
constexpr uint32_t kObserverIds = 0xffff0000;

// Of no farm: as those of the settings' default, but for the end.
const IpAddress kTestGroupV4 = IpAddress::V4(239, 255, 83, 254);
const IpAddress kTestGroupV6 =
    IpAddress::V6({0xff, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x83, 0xfe});

// Waits for a datagram of one of the sockets; false at the deadline.
bool Await(const multicast::SocketSet& sockets, steady_clock::time_point deadline) {
  std::array<pollfd, 2> wait{
      pollfd{.fd = sockets.fd(Channel::kData), .events = POLLIN, .revents = 0},
      pollfd{.fd = sockets.fd(Channel::kAcks), .events = POLLIN, .revents = 0}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
  return left.count() > 0 && poll(wait.data(), wait.size(), static_cast<int>(left.count())) > 0;
}

// A packet to a group of one's own has to come back.
void TryFamily(const std::string& interface, const IpAddress& group,
               MulticastFacts::Family& family) {
  SystemRandom random;
  std::array<uint8_t, 16> word{};
  for (uint8_t& byte : word) byte = static_cast<uint8_t>(random.Below(256));
  multicast::SocketSettings settings;
  settings.interface = interface;
  settings.group = group;
  settings.port = static_cast<uint16_t>(kTestPorts + random.Below(10000) * 2);
  settings.address = group.IsV4() ? IpAddress() : IpAddress::V6({});
  settings.loopback = true;
  multicast::DriverCounters counters;
  const auto sockets = multicast::SocketSet::Open(settings, counters);
  if (!sockets.ok()) {
    family.problem = MessageOf(sockets.status());
    return;
  }
  (*sockets)->SendToGroup(word);
  (*sockets)->Flush();
  const auto deadline = steady_clock::now() + kOwnPatience;
  while (!family.own_heard && Await(**sockets, deadline)) {
    for (const auto& datagram : (*sockets)->Receive(Channel::kData).datagrams) {
      family.own_heard =
          family.own_heard ||
          std::equal(datagram.bytes.begin(), datagram.bytes.end(), word.begin(), word.end());
    }
    (*sockets)->Receive(Channel::kAcks);
  }
}

void GatherFamilies(const Subject& subject, const multicast::NetworkInterface& interface,
                    MulticastFacts& facts) {
  for (const IpFamily family : {IpFamily::kV4, IpFamily::kV6}) {
    MulticastFacts::Family found;
    found.name = family == IpFamily::kV4 ? "IPv4" : "IPv6";
    found.wanted =
        subject.group && subject.group->sure && subject.group->address.family() == family;
    found.has_address = PreferredAddress(interface, family).ok();
    if (found.has_address && interface.up) {
      TryFamily(interface.name, family == IpFamily::kV4 ? kTestGroupV4 : kTestGroupV6, found);
    }
    facts.families.push_back(std::move(found));
  }
}

struct Heard {
  std::map<std::string, uint64_t> packets;  // By sender.
  std::optional<multicast::GroupId> group;
  bool sealed = false;
};

void TakeHeard(multicast::SocketSet& sockets, Channel channel, Heard& heard) {
  for (const auto& datagram : sockets.Receive(channel).datagrams) {
    const auto header = multicast::DecodeHeader(datagram.bytes);
    const auto* good = std::get_if<multicast::Header>(&header);
    if (good == nullptr) continue;
    heard.group = good->group;
    heard.sealed = heard.sealed || good->sealed;
    const std::string sender = ToString(datagram.from.ip);
    if (heard.packets.size() < kSendersMax || heard.packets.contains(sender)) {
      ++heard.packets[sender];
    }
  }
}

// Asks the members of an open group, as group_probe does; a sealed one would not answer.
std::vector<std::string> Probe(const multicast::SocketSettings& sockets, multicast::GroupId group,
                               size_t mtu) {
  multicast::ProberOptions options;
  options.sockets = sockets;
  options.group = group;
  options.self =
      multicast::MemberId(kObserverIds + static_cast<uint32_t>(SystemRandom().Below(0xffff) + 1));
  options.count = 5;
  options.interval = std::chrono::milliseconds(100);
  options.patience = std::chrono::milliseconds(500);
  const multicast::KeyRing open;
  const auto prober = multicast::Prober::Open(options, open);
  if (!prober.ok()) return {MessageOf(prober.status())};
  (*prober)->Run([] { return false; });
  return multicast::FindFaults({.members = (*prober)->members(),
                                .rejected = (*prober)->rejected(),
                                .loss_percent_max = 1,
                                .mtu = mtu,
                                .members_expected = 0});
}

void ListenToGroup(const Subject& subject, MulticastFacts& facts) {
  const Subject::Group& group = *subject.group;
  multicast::SocketSettings settings;
  settings.interface = facts.interface;
  settings.group = group.address;
  settings.port = group.port;
  settings.address = group.address.IsV4() ? IpAddress() : IpAddress::V6({});
  settings.loopback = subject.lan->loopback;
  multicast::DriverCounters counters;
  const auto sockets = multicast::SocketSet::Open(settings, counters);
  if (!sockets.ok()) return;
  facts.group = ToString(Endpoint{.ip = group.address, .port = group.port});
  facts.group_sure = group.sure;
  Heard heard;
  const auto deadline = steady_clock::now() + kListenFor;
  while (Await(**sockets, deadline)) {
    TakeHeard(**sockets, Channel::kData, heard);
    TakeHeard(**sockets, Channel::kAcks, heard);
  }
  for (const auto& [address, packets] : heard.packets) facts.heard.push_back({address, packets});
  facts.sealed = heard.sealed;
  if (heard.group && !heard.sealed) facts.probed = Probe(settings, *heard.group, facts.mtu);
}

// The bridge that the interface is, or is a port of, if it forgets its members for want of a
// querier.
std::string MuteBridge(const std::string& interface) {
  const std::string folder = "/sys/class/net/" + interface;
  std::error_code error;
  std::string bridge = interface;
  const auto master = std::filesystem::read_symlink(folder + "/master", error);
  if (!error) bridge = master.filename().string();
  const auto flag = [&](const char* name) {
    const auto text = ReadFile("/sys/class/net/" + bridge + "/bridge/" + name, 4096);
    return text.ok() ? text->substr(0, 1) : "";
  };
  return flag("multicast_snooping") == "1" && flag("multicast_querier") == "0" ? bridge : "";
}

}  // namespace

MulticastFacts GatherMulticast(const Subject& subject) {
  MulticastFacts facts{.interface = subject.lan->interface};
  const auto interface = multicast::FindNetworkInterface(facts.interface);
  if (!interface.ok()) {
    facts.problem = MessageOf(interface.status());
    return facts;
  }
  facts.exists = true;
  facts.up = interface->up;
  facts.mtu = interface->mtu;
  for (const IpAddress& address : interface->addresses) {
    facts.addresses.push_back(ToString(address));
  }
  facts.own_address = subject.lan->own_address;
  const StatusOr<IpAddress> own = IpAddress::Parse(facts.own_address);
  facts.own_address_there =
      facts.own_address.empty() ||
      (own.ok() && std::find(interface->addresses.begin(), interface->addresses.end(), *own) !=
                       interface->addresses.end());
  if (!facts.up) return facts;
  facts.mute_bridge = MuteBridge(facts.interface);
  GatherFamilies(subject, *interface, facts);
  if (subject.group) ListenToGroup(subject, facts);
  return facts;
}

}  // namespace strata::cli::doctor
