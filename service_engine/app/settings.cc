#include "service_engine/app/settings.h"

#include <filesystem>

#include "common/check.h"
#include "common/settings/settings.h"
#include "common/settings/settings_change.h"
#include "farm/member/process_settings.h"
#include "proto/service_engine_settings.pb.h"

namespace strata::engine::app {
namespace {

using settings::v1::ServiceEngineSettings;

constexpr double kMegabit = 1e6;

StatusOr<std::vector<Endpoint>> EndpointsOf(
    const google::protobuf::RepeatedPtrField<std::string>& texts, const char* field) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : texts) {
    STRATA_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(text));
    if (endpoint.ip.IsUnspecified() || endpoint.port == 0) {
      return InvalidArgument("%s: others are to call %s, which is no address they could use", field,
                             text.c_str());
    }
    endpoints.push_back(endpoint);
  }
  return endpoints;
}

NginxAdapterOptions NginxOf(const ServiceEngineSettings& file, const std::string& folder,
                            const farm::EngineInfo& info) {
  NginxAdapterOptions nginx;
  nginx.clients = info.clients;
  nginx.peers = info.peers;
  nginx.folder = folder + "/nginx";
  nginx.cache_folder = folder + "/cache";
  nginx.temp_folder = folder + "/filling";
  nginx.library_folder =
      file.nginx().library().empty() ? folder + "/library" : file.nginx().library();
  nginx.log_folder = folder + "/log";
  nginx.agent_socket = folder + "/agent.sock";
  nginx.user = file.nginx().user();
  nginx.nginx = file.nginx().program();
  nginx.workers = file.nginx().workers();
  nginx.cache_bytes_max = file.nginx().cache_size();
  return nginx;
}

StatusOr<Settings> Convert(const ServiceEngineSettings& file) {
  Settings settings;
  std::error_code ignored;  // A path that is no path is told by who opens it.
  settings.data_folder = std::filesystem::absolute(file.data_folder(), ignored).string();
  settings.tls = farm::ToTlsPaths(file.tls());
  STRATA_ASSIGN_OR_RETURN(settings.sockets, farm::ToSocketSettings(file.lan()));
  settings.managers = {file.managers().begin(), file.managers().end()};
  STRATA_ASSIGN_OR_RETURN(settings.status_listen, Endpoint::Parse(file.status_listen()));
  STRATA_ASSIGN_OR_RETURN(settings.info.clients, EndpointsOf(file.clients(), "clients"));
  STRATA_ASSIGN_OR_RETURN(settings.info.peers, EndpointsOf(file.peers(), "peers"));
  settings.info.capacity.bandwidth_in =
      static_cast<uint64_t>(file.capacity().bandwidth_in() * kMegabit);
  settings.info.capacity.bandwidth_out =
      static_cast<uint64_t>(file.capacity().bandwidth_out() * kMegabit);
  settings.copy_bytes_per_second =
      static_cast<uint64_t>(file.capacity().copy_rate() * kMegabit / 8);
  settings.nginx = NginxOf(file, settings.data_folder, settings.info);
  settings.agent.socket_path = settings.nginx.agent_socket;
  settings.agent.spool_folder = settings.data_folder + "/spool";
  settings.agent.extra_ca_file = file.extra_authority();
  settings.serve_alone = file.serve_alone();
  settings.light = file.light();
  settings.log_level = farm::ToLogLevel(file.log_level());
  return settings;
}

}  // namespace

StatusOr<Settings> LoadEngineSettings(const std::string& path) {
  ServiceEngineSettings file;
  STRATA_RETURN_IF_ERROR(LoadSettingsFile(path, &file));
  StatusOr<Settings> settings = Convert(file);
  if (!settings.ok()) {
    return MakeStatus(settings.status().code(), path + ": " + MessageOf(settings.status()));
  }
  settings->path = path;
  settings->file = file.SerializeAsString();
  return settings;
}

std::vector<std::string> ChangesAtRestart(const Settings& before, const Settings& after) {
  ServiceEngineSettings from;
  ServiceEngineSettings to;
  STRATA_CHECK(from.ParseFromString(before.file) && to.ParseFromString(after.file));
  return CompareSettings(from, to).at_restart;
}

}  // namespace strata::engine::app
