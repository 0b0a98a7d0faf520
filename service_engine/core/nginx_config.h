#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "farm/site.h"

namespace strata::engine {

// Paths that a managed nginx keeps for the engine; contents below them never reach a client.
inline constexpr std::string_view kProbePath = "/_strata/probe";            // Public: 200.
inline constexpr std::string_view kGenerationPath = "/_strata/generation";  // Status socket.
inline constexpr std::string_view kStatusPath = "/_strata/status";          // Status socket.

// What the operator's log has a line of, unless he says otherwise: nginx's "combined".
inline constexpr std::string_view kOperatorLogFormat =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent "
    "\"$http_referer\" \"$http_user_agent\"";

// Everything that a managed nginx is told. Folders are absolute, without a '/' at the end.
struct NginxConfig {
  bool closed = false;            // Everybody gets a 503: the engine may not serve now.
  uint64_t generation = 0;        // What kGenerationPath answers once it is in force.
  std::string engine;             // Its name: a label of a host name.
  std::vector<Endpoint> clients;  // Where clients and redirected clients come.
  std::vector<Endpoint> peers;    // Where other engines come.
  std::string folder;             // nginx's own: its pid, its socket, what has no other place.
  std::string cache_folder;
  std::string temp_folder;     // On the cache's file system.
  std::string library_folder;  // A folder for each site's name in it; empty: no libraries.
  std::string log_folder;
  std::string agent_socket;
  std::string status_socket;
  std::string user;                          // Of the workers; empty: as the master.
  uint32_t workers = 0;                      // 0: one for each core.
  uint32_t connections_max = 16384;          // Of a worker.
  uint64_t files_max = 0;                    // Open ones of a worker; 0: as many as the master may.
  uint64_t cache_bytes_max = 0;              // 0: only free_bytes_least bounds it.
  uint64_t free_bytes_least = 256ull << 20;  // Of the cache's disk: beyond it, copies go.
  uint64_t cache_index_bytes = 64ull << 20;  // Of memory: about 8,000 copies each MiB.
  std::string operator_log_format{kOperatorLogFormat};
  std::string mime_types = "/etc/nginx/mime.types";  // Of libraries; empty: none are known.
  std::vector<farm::Site> sites;
  std::set<std::string> libraries;  // Names of the sites that have a library.
};

// Where the log of every finished request is (access_log.h).
std::string AccessLogPath(const NginxConfig& config);
std::string ErrorLogPath(const NginxConfig& config);

// nginx.conf, as docs/protocols/agent.md has it; the room's README tells what is in it.
// InvalidArgument, naming it, for what cannot be written without changing its meaning: nothing
// that a site says becomes configuration. Equal structs give equal text.
StatusOr<std::string> RenderNginxConfig(const NginxConfig& config);

}  // namespace strata::engine
