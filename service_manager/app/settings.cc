#include "service_manager/app/settings.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/settings/settings.h"
#include "farm/member/farm_member.h"
#include "farm/member/process_settings.h"
#include "multicast/driver/network_interface.h"
#include "proto/service_manager_settings.pb.h"
#include "service_manager/app/manager_address.h"

namespace strata::manager::app {
namespace {

using settings::v1::ServiceManagerSettings;

StatusOr<multicast::GroupOptions> GroupOf(const ServiceManagerSettings& file) {
  multicast::GroupOptions group;
  STRATA_ASSIGN_OR_RETURN(group.sockets, farm::ToSocketSettings(file.lan()));
  STRATA_ASSIGN_OR_RETURN(group.sockets.group, IpAddress::Parse(file.group().address()));
  if (!group.sockets.group.IsMulticast()) {
    return InvalidArgument("group.address: %s is no multicast address",
                           file.group().address().c_str());
  }
  if (!file.lan().unicast_address().empty() &&
      group.sockets.address.family() != group.sockets.group.family()) {
    return InvalidArgument("lan.unicast_address: not of the family of group.address");
  }
  group.sockets.port = static_cast<uint16_t>(file.group().port());
  farm::SetDetection(Duration(file.group().detection_timeout()), group.core);
  group.state_file = file.data_folder() + "/group_state";
  return group;
}

StatusOr<frontend::FrontEndOptions> FrontEndOf(const settings::v1::HttpSettings& http) {
  frontend::FrontEndOptions options;
  for (const std::string& text : http.listen()) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(text));
    options.listen.push_back(endpoint);
  }
  options.threads =
      http.threads() != 0 ? http.threads() : std::max(1u, std::thread::hardware_concurrency());
  for (const std::string& text : http.operators()) {
    const StatusOr<IpPrefix> prefix = IpPrefix::Parse(text);
    if (!prefix.ok()) {
      return InvalidArgument("http.operators: %s", MessageOf(prefix.status()).c_str());
    }
    options.operators.push_back(*prefix);
  }
  options.client_rate = http.requests_per_client();
  options.client_burst = http.burst_per_client();
  return options;
}

// The kernel keeps them for as long as the others wait for who is silent; it knows whole seconds.
std::chrono::seconds LifetimeOf(Duration detection_timeout) {
  return std::chrono::ceil<std::chrono::seconds>(detection_timeout);
}

StatusOr<address::FloatingAddressOptions> FloatingOf(const ServiceManagerSettings& file) {
  const settings::v1::FloatingSettings& floating = file.http().floating();
  address::FloatingAddressOptions options;
  options.interface = floating.interface().empty() ? file.lan().interface() : floating.interface();
  options.lifetime = LifetimeOf(Duration(file.group().detection_timeout()));
  for (const std::string& text : floating.addresses()) {
    STRATA_ASSIGN_OR_RETURN(const IpAddress address, IpAddress::Parse(text));
    const bool twice = std::find(options.addresses.begin(), options.addresses.end(), address) !=
                       options.addresses.end();
    if (twice || address.IsUnspecified() || address.IsMulticast() || address.IsLinkLocal() ||
        text == file.lan().unicast_address()) {
      return InvalidArgument("http.floating.addresses: %s is %s", text.c_str(),
                             twice ? "there twice" : "no address that can float");
    }
    options.addresses.push_back(address);
  }
  if (!options.addresses.empty() && file.http().listen().empty()) {
    return InvalidArgument("http.floating.addresses: http.listen has no port for them");
  }
  return options;
}

// Floating addresses are listened on at the ports of all others, by sockets of their own: they are
// closed to new clients before the addresses move. One that is among the others is only floating.
void ListenOnFloating(const std::vector<IpAddress>& addresses, frontend::FrontEndOptions& options) {
  const std::vector<Endpoint> all = options.listen;
  std::erase_if(options.listen, [&addresses](const Endpoint& endpoint) {
    return std::find(addresses.begin(), addresses.end(), endpoint.ip) != addresses.end();
  });
  for (const IpAddress& address : addresses) {
    for (const Endpoint& other : all) {
      const Endpoint floating{address, other.port};
      const bool there = std::find(options.floating.begin(), options.floating.end(), floating) !=
                         options.floating.end();
      if (!there && other.port != 0) options.floating.push_back(floating);
    }
  }
}

farm::LoadWeights WeightsOf(const settings::v1::LoadWeightSettings& file) {
  farm::LoadWeights weights;
  weights.bandwidth_out = file.bandwidth_out();
  weights.bandwidth_in = file.bandwidth_in();
  weights.cpu = file.cpu();
  weights.memory = file.memory();
  weights.storage = file.storage();
  for (const auto& [name, weight] : file.parameters()) weights.parameters[name] = weight;
  return weights;
}

StatusOr<std::string> RpcAddress(const ServiceManagerSettings& file,
                                 const multicast::SocketSettings& sockets) {
  if (!file.rpc_address().empty()) {
    STRATA_RETURN_IF_ERROR(CheckManagerAddress("rpc_address", file.rpc_address()));
    return file.rpc_address();
  }
  STRATA_ASSIGN_OR_RETURN(const Endpoint listen, Endpoint::Parse(file.rpc_listen()));
  if (!listen.ip.IsUnspecified()) return file.rpc_listen();
  if (!file.lan().unicast_address().empty())
    return ToString(Endpoint{sockets.address, listen.port});
  STRATA_ASSIGN_OR_RETURN(const auto interface, multicast::FindNetworkInterface(sockets.interface));
  STRATA_ASSIGN_OR_RETURN(const IpAddress address,
                          multicast::PreferredAddress(interface, sockets.group.family()));
  return ToString(Endpoint{address, listen.port});
}

StatusOr<Settings> Convert(const ServiceManagerSettings& file) {
  Settings settings;
  settings.data_folder = file.data_folder();
  settings.tls = farm::ToTlsPaths(file.tls());
  STRATA_ASSIGN_OR_RETURN(settings.group, GroupOf(file));
  settings.encrypted = file.group().encrypted();
  settings.rpc_listen = file.rpc_listen();
  STRATA_ASSIGN_OR_RETURN(settings.backup_of, ManagerAddresses("backup_of", file.backup_of()));
  settings.group.priority = static_cast<uint8_t>(file.takeover_priority());
  STRATA_ASSIGN_OR_RETURN(settings.status_listen, Endpoint::Parse(file.status_listen()));
  STRATA_ASSIGN_OR_RETURN(settings.front_end, FrontEndOf(file.http()));
  STRATA_ASSIGN_OR_RETURN(settings.floating, FloatingOf(file));
  ListenOnFloating(settings.floating.addresses, settings.front_end);
  settings.director.weights = WeightsOf(file.load_weights());
  settings.purge_wait = Duration(file.purge_wait());
  STRATA_ASSIGN_OR_RETURN(settings.federation, FederationSettingsOf(file));
  settings.log_level = farm::ToLogLevel(file.log_level());
  return settings;
}

}  // namespace

StatusOr<std::string> RpcAddressOf(const Settings& settings) {
  const auto& file = static_cast<const ServiceManagerSettings&>(*settings.file);
  return RpcAddress(file, settings.group.sockets);
}

StatusOr<Settings> LoadManagerSettings(const std::string& path) {
  const auto file = std::make_shared<ServiceManagerSettings>();
  STRATA_RETURN_IF_ERROR(LoadSettingsFile(path, file.get()));
  StatusOr<Settings> settings = Convert(*file);
  if (!settings.ok()) {
    return MakeStatus(settings.status().code(), path + ": " + MessageOf(settings.status()));
  }
  settings->path = path;
  settings->file = file;
  return settings;
}

}  // namespace strata::manager::app
