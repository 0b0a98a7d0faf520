#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <vector>

#include "common/address.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "farm/director.h"
#include "multicast/driver/options.h"
#include "service_manager/address/floating_addresses.h"
#include "service_manager/app/federation_settings.h"
#include "service_manager/frontend/front_end.h"

namespace strata::manager::app {

// What the settings file says (proto/service_manager_settings.proto), checked as far as it can be
// without doing anything.
struct Settings {
  std::string path;                                       // Of the file.
  std::shared_ptr<const google::protobuf::Message> file;  // As it was read, to be compared.
  std::string data_folder;
  tls::TlsPaths tls;
  multicast::GroupOptions group;  // Sockets and state file; the store has the rest.
  bool encrypted = true;
  std::string rpc_listen;
  std::vector<std::string> backup_of;  // RPC of other managers.
  Endpoint status_listen;
  frontend::FrontEndOptions front_end;  // Without endpoints: no front end.
  address::FloatingAddressOptions floating;
  farm::DirectorSettings director;
  Duration purge_wait{};
  FederationSettings federation;
  LogLevel log_level = LogLevel::kInfo;
};

// Every error names file and place.
StatusOr<Settings> LoadManagerSettings(const std::string& path);

// HOST:PORT where others reach rpc_listen; NotFound if that is the address of an interface that has
// none.
StatusOr<std::string> RpcAddressOf(const Settings& settings);

}  // namespace strata::manager::app
