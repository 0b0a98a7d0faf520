#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/doctor/facts.h"
#include "common/address.h"
#include "common/status.h"
#include "common/tls/tls_files.h"

namespace strata::cli::doctor {

// What a settings file names that can be looked at, whoever's file it is.
struct Subject {
  SettingsFacts settings;
  tls::TlsPaths tls;
  std::string user;  // That the process runs as.

  std::vector<std::string> managers;  // To call.
  struct Port {
    std::string setting;
    Endpoint endpoint;
  };
  std::vector<Port> ports;
  std::optional<Endpoint> status_listen;

  struct Lan {
    std::string interface;
    std::string own_address;
    bool loopback = false;
  };
  std::optional<Lan> lan;
  struct Group {
    IpAddress address;
    uint16_t port = 0;
    bool sure = false;  // It stands in the file.
  };
  std::optional<Group> group;

  struct Folder {
    std::string setting;
    std::string path;
    uint64_t bytes_wanted = 0;
  };
  std::vector<Folder> folders;
  std::string nginx_program;  // Empty: there is none.
  std::string data_folder;
};

// Reads a settings file of a manager, an engine or the command; which it is, the file shows.
// `settings.error` says what is wrong with it; what can be told nevertheless is there. NotFound or
// PermissionDenied: there is no such file, or it cannot be read.
StatusOr<Subject> ReadSubject(const std::string& path);

}  // namespace strata::cli::doctor
