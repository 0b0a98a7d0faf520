#pragma once

#include <string>
#include <vector>

#include "common/address.h"
#include "common/log.h"
#include "common/status.h"
#include "common/tls/tls_files.h"
#include "farm/engine.h"
#include "multicast/driver/options.h"
#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "service_engine/transfer/agent_server.h"

namespace strata::engine::app {

// What the settings file says (proto/service_engine_settings.proto), checked as far as it can be
// without doing anything.
struct Settings {
  std::string data_folder;
  tls::TlsPaths tls;
  multicast::SocketSettings sockets;  // Without the group, which the manager tells.
  std::vector<std::string> managers;
  Endpoint status_listen;
  farm::EngineInfo info;               // Without id and name.
  NginxAdapterOptions nginx;           // Without the engine's name.
  transfer::AgentOptions agent;        // Without the engine's id, name and scope.
  uint64_t copy_bytes_per_second = 0;  // From engines that are drained; 0: as they come.
  bool serve_alone = false;
  bool light = false;
  LogLevel log_level = LogLevel::kInfo;

  std::string path;  // Of the file.
  std::string file;  // The file's message, serialized.
};

// Every error names file and place.
StatusOr<Settings> LoadEngineSettings(const std::string& path);

// Keys of what differs and needs a restart to count: all but serve_alone and log_level. What
// certificate files hold is not looked at.
std::vector<std::string> ChangesAtRestart(const Settings& before, const Settings& after);

}  // namespace strata::engine::app
