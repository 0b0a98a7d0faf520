#include "service_engine/core/nginx_config.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/time.h"
#include "farm/content_identity.h"
#include "service_engine/core/access_log.h"
#include "service_engine/core/nginx_config_text.h"

namespace strata::engine {
namespace {

// How much longer nginx waits for its agent than the agent for an origin.
constexpr Duration kAgentGrace = std::chrono::seconds(10);
constexpr Duration kLeastWait = std::chrono::minutes(1);

// nginx's names of a target.
constexpr std::string_view kHostTarget = "$request_uri";
constexpr std::string_view kPathTarget = "$strata_path_target";

using Values = std::map<std::string_view, std::string>;

// `text` with the value in place of each @name@.
std::string Fill(std::string_view text, const Values& values) {
  std::string filled;
  while (!text.empty()) {
    const size_t at = text.find('@');
    filled += text.substr(0, at);
    if (at == std::string_view::npos) break;
    const size_t end = text.find('@', at + 1);
    const auto value = end == std::string_view::npos
                           ? values.end()
                           : values.find(text.substr(at + 1, end - at - 1));
    if (value == values.end()) {  // A named location: @again.
      filled += '@';
      text.remove_prefix(at + 1);
      continue;
    }
    filled += value->second;
    text.remove_prefix(end + 1);
  }
  return filled;
}

// Whether `text` between double quotes is itself to nginx: it knows no escape for '$'.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c) > 0x20 && c != 0x7f && c != '"' && c != '\'' && c != '\\' &&
           c != '$' && c != ';' && c != '{' && c != '}';
  });
}

Status CheckPath(const std::string& path, const char* what) {
  if (!path.starts_with('/') || path.ends_with('/')) {
    return InvalidArgument("%s: \"%s\" is no absolute path", what, path.c_str());
  }
  if (!IsPlain(path)) {
    return InvalidArgument("%s: \"%s\" has a character that nginx's configuration cannot have",
                           what, path.c_str());
  }
  return Ok();
}

Status CheckLogFormat(const std::string& format) {
  const bool fits = !format.empty() && std::all_of(format.begin(), format.end(), [](char c) {
    return static_cast<uint8_t>(c) >= 0x20 && c != '\'' && c != '\\' && c != 0x7f;
  });
  return fits ? Ok() : InvalidArgument("the operator's log format has a quote, \\ or control");
}

Status CheckEndpoints(const NginxConfig& config) {
  if (config.clients.empty()) return InvalidArgument("there is no endpoint for clients");
  std::set<Endpoint> seen;
  for (const auto* list : {&config.clients, &config.peers}) {
    for (const Endpoint& endpoint : *list) {
      const std::string text = ToString(endpoint);
      if (endpoint.port == 0) return InvalidArgument("%s: port 0", text.c_str());
      if (endpoint.interface != 0) {
        return InvalidArgument("%s: nginx does not listen on link-local addresses", text.c_str());
      }
      if (!seen.insert(endpoint).second) {
        return InvalidArgument("%s is there twice", text.c_str());
      }
    }
  }
  return Ok();
}

Status CheckFolders(const NginxConfig& config) {
  STRATA_RETURN_IF_ERROR(CheckPath(config.folder, "folder"));
  STRATA_RETURN_IF_ERROR(CheckPath(config.cache_folder, "cache folder"));
  STRATA_RETURN_IF_ERROR(CheckPath(config.temp_folder, "temporary folder"));
  STRATA_RETURN_IF_ERROR(CheckPath(config.log_folder, "log folder"));
  STRATA_RETURN_IF_ERROR(CheckPath(config.agent_socket, "agent's socket"));
  STRATA_RETURN_IF_ERROR(CheckPath(config.status_socket, "status socket"));
  if (!config.library_folder.empty()) {
    STRATA_RETURN_IF_ERROR(CheckPath(config.library_folder, "library folder"));
  }
  if (!config.mime_types.empty()) {
    STRATA_RETURN_IF_ERROR(CheckPath(config.mime_types, "types file"));
  }
  if (!IsPlain(config.user)) return InvalidArgument("user: \"%s\"", config.user.c_str());
  return Ok();
}

Status CheckSites(const NginxConfig& config) {
  std::set<std::string_view> names;
  std::set<std::string_view> hosts;
  for (const farm::Site& site : config.sites) {
    const std::vector<std::string> faults = farm::FaultsOf(site);
    if (!faults.empty()) {
      return InvalidArgument("site %s: %s", site.name.c_str(), faults.front().c_str());
    }
    if (!names.insert(site.name).second) {
      return InvalidArgument("site %s is there twice", site.name.c_str());
    }
    for (const std::string& host : site.hosts) {
      if (!IsPlain(host)) return InvalidArgument("site %s: host", site.name.c_str());
      if (!hosts.insert(host).second) {
        return InvalidArgument("host %s is of two sites", host.c_str());
      }
    }
    for (const std::string& origin : site.cors_origins) {
      if (!IsPlain(origin)) return InvalidArgument("site %s: cors_origins", site.name.c_str());
    }
  }
  return Ok();
}

Status Check(const NginxConfig& config) {
  const StatusOr<std::string> label = farm::CanonicalHost(config.engine);
  if (!label.ok() || *label != config.engine || config.engine.find('.') != std::string::npos ||
      !IsPlain(config.engine) || config.engine.starts_with('[')) {
    return InvalidArgument("the engine's name \"%s\" is no label of a host name: a-z 0-9 - _",
                           config.engine.c_str());
  }
  STRATA_RETURN_IF_ERROR(CheckFolders(config));
  STRATA_RETURN_IF_ERROR(CheckLogFormat(config.operator_log_format));
  STRATA_RETURN_IF_ERROR(CheckEndpoints(config));
  return CheckSites(config);
}

// ---- Pieces.

std::string WaitSeconds(const NginxConfig& config) {
  Duration longest = kLeastWait;
  for (const farm::Site& site : config.sites) longest = std::max(longest, site.fill_limit);
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(longest + kAgentGrace).count());
}

std::string Listen(const std::vector<Endpoint>& endpoints, std::string_view options) {
  std::string lines;
  for (const Endpoint& endpoint : endpoints) {
    lines += "    listen " + ToString(endpoint) + std::string(options) + ";\n";
  }
  return lines;
}

bool HasCors(const NginxConfig& config) {
  return std::any_of(config.sites.begin(), config.sites.end(),
                     [](const farm::Site& site) { return !site.cors_origins.empty(); });
}

std::string CorsMaps(const NginxConfig& config) {
  if (!HasCors(config)) return "";
  std::string one;
  std::string any;
  std::string vary;
  for (const farm::Site& site : config.sites) {
    if (site.cors_origins.empty()) continue;
    const std::string& host = site.hosts.front();
    const auto& origins = site.cors_origins;
    if (std::find(origins.begin(), origins.end(), "*") != origins.end()) {
      any += "    \"" + host + "\" \"*\";\n";
      continue;
    }
    any += "    \"" + host + "\" \"\";\n";
    vary += "    \"" + host + "\" Origin;\n";
    // A browser that was redirected from another origin names none (Fetch, 4.4); who may read the
    // redirect was decided there.
    if (site.mode == farm::Site::Mode::kRedirect) {
      one += "    \"" + host + " null\" $http_origin;\n";
    }
    std::set<std::string> seen;  // nginx compares without letter case.
    for (std::string origin : origins) {
      std::transform(origin.begin(), origin.end(), origin.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      if (!seen.insert(origin).second) continue;
      one += Fill("    \"@host@ @origin@\" $http_origin;\n", {{"host", host}, {"origin", origin}});
    }
  }
  return Fill(kCorsMaps, {{"one", one}, {"any", any}, {"vary", vary}});
}

std::string Preflight(const farm::Site& site) {
  return site.cors_origins.empty() ? "" : std::string(kPreflight);
}

bool HasLibrary(const NginxConfig& config, const farm::Site& site) {
  return !config.library_folder.empty() && config.libraries.contains(site.name);
}

std::string LibraryFolder(const NginxConfig& config, const farm::Site& site) {
  return config.library_folder + "/" + site.name;
}

// Where a server finds the files of these sites' libraries.
std::string Libraries(const NginxConfig& config, std::span<const farm::Site> sites) {
  std::string text;
  for (const farm::Site& site : sites) {
    if (!HasLibrary(config, site)) continue;
    text += Fill(kLibrary, {{"name", site.name}, {"folder", LibraryFolder(config, site)}});
  }
  return text.empty() ? text : text + std::string(kLibraryMiss);
}

std::string LookIntoLibrary(const NginxConfig& config, const farm::Site& site, bool path_form) {
  if (!HasLibrary(config, site)) return "";
  const bool any = site.query.keep == farm::QueryRules::Keep::kNone;
  return std::string(path_form ? kPathLibrary : "") +
         Fill(kLookIntoLibrary, {{"name", site.name},
                                 {"folder", LibraryFolder(config, site)},
                                 {"form", path_form ? "path" : "host"},
                                 {"file", any ? "any" : "plain"}});
}

// Where requests of one site come in: what is in the library from there, else of the cache, else
// from the agent.
struct Entry {
  std::string location;  // "/", "^~ /_s/HOST/".
  std::string settings;
  bool path_form = false;
};

std::string RenderEntry(const NginxConfig& config, const farm::Site& site, const Entry& entry) {
  return Fill(kEntry, {{"location", entry.location},
                       {"settings", entry.settings},
                       {"preflight", Preflight(site)},
                       {"library", LookIntoLibrary(config, site, entry.path_form)},
                       {"site", site.hosts.front()},
                       {"target", std::string(entry.path_form ? kPathTarget : kHostTarget)}});
}

// The whole log's lines have one form; what is known of a request before it comes is text in them,
// not a variable.
struct LogFormat {
  std::string name;
  std::string_view site;
  std::string_view entry;
  std::string_view target;
};

std::string Render(const LogFormat& format, const NginxConfig& config) {
  return Fill(kFormat, {{"name", format.name},
                        {"fields", AccessLogFormat(format.site, format.entry, format.target)},
                        {"operator", config.operator_log_format}});
}

// Who comes while it is closed is of no site: his 503 says nothing of how the site is served.
std::string LogFormats(const NginxConfig& config) {
  const std::string_view none = "-";
  std::string text =
      Render({"strata_clients", "$strata_path_name", kEntryPath, kPathTarget}, config) +
      Render({"strata_peers", "$strata_path_name", "$strata_peer_form", kPathTarget}, config);
  for (const farm::Site& site : config.sites) {
    const std::string_view name = config.closed ? none : site.name;
    text += Render({"strata_host_" + site.name, name, kEntryHost, kHostTarget}, config) +
            Render({"strata_path_" + site.name, name, kEntryPath, kPathTarget}, config);
  }
  return text;
}

std::string AccessLog(const NginxConfig& config, const std::string& format) {
  return "access_log \"" + AccessLogPath(config) + "\" " + format + " buffer=64k flush=1s;\n";
}

// The sites by all of their hosts.
std::string PathMap(const NginxConfig& config, bool names) {
  std::string lines;
  if (config.closed) return lines;
  for (const farm::Site& site : config.sites) {
    for (const std::string& host : site.hosts) {
      lines += Fill("    \"@host@\" \"@site@\";\n",
                    {{"host", host}, {"site", names ? site.name : site.hosts.front()}});
    }
  }
  return lines;
}

// The names under which a site's contents are asked for by Host.
std::string ServerNames(const NginxConfig& config, const farm::Site& site,
                        const std::set<std::string>& hosts, std::string& forms) {
  std::string names;
  for (const std::string& host : site.hosts) {
    names += " \"" + host + "\"";
    const std::string redirected = config.engine + "." + host;
    const bool fits = !host.starts_with('[') && farm::CanonicalHost(redirected).ok();
    if (!fits || hosts.contains(redirected)) continue;  // It is a site's own name: that counts.
    names += " \"" + redirected + "\"";
    forms += "    \"" + redirected + "\" redirected;\n";
  }
  return names;
}

std::string Closed(const NginxConfig& config) { return config.closed ? std::string(kClosed) : ""; }

std::string Servers(const NginxConfig& config, std::string& forms) {
  std::set<std::string> hosts;
  for (const farm::Site& site : config.sites) hosts.insert(site.hosts.begin(), site.hosts.end());
  std::string text;
  for (const farm::Site& site : config.sites) {
    Entry entry;
    entry.location = "/";
    text += Fill(kSiteServer, {{"listen", Listen(config.clients, "")},
                               {"names", ServerNames(config, site, hosts, forms)},
                               {"closed", Closed(config)},
                               {"engine", config.engine},
                               {"log", AccessLog(config, "strata_host_" + site.name)},
                               {"internal", std::string(kInternal) + Libraries(config, {&site, 1})},
                               {"entry", RenderEntry(config, site, entry)}});
  }
  return text;
}

// The entries of all hosts below `prefix`: "/_s/", "/_f/".
std::string PathEntries(const NginxConfig& config, const std::string& prefix,
                        const std::string& form) {
  std::string text;
  for (const farm::Site& site : config.sites) {
    for (const std::string& host : site.hosts) {
      Entry entry;
      entry.path_form = true;
      entry.location = Fill("^~ \"@prefix@@host@/\"", {{"prefix", prefix}, {"host", host}});
      if (form == kEntryPath) {
        entry.settings = "      " + AccessLog(config, "strata_path_" + site.name);
      }
      text += RenderEntry(config, site, entry);
    }
  }
  return text;
}

std::string DefaultServer(const NginxConfig& config) {
  return Fill(kDefaultServer,
              {{"listen", Listen(config.clients, " default_server backlog=4096")},
               {"name", "!clients"},
               {"engine", config.engine},
               {"closed", Closed(config)},
               {"log", AccessLog(config, "strata_clients")},
               {"internal", std::string(kInternal) + Libraries(config, config.sites)},
               {"entries", PathEntries(config, "/_s/", std::string(kEntryPath))}});
}

std::string PeerServer(const NginxConfig& config) {
  if (config.peers.empty()) return "";
  return Fill(kDefaultServer,
              {{"listen", Listen(config.peers, " default_server backlog=4096")},
               {"name", "!peers"},
               {"engine", config.engine},
               {"closed", Closed(config)},
               {"log", AccessLog(config, "strata_peers")},
               {"internal", std::string(kInternal) + Libraries(config, config.sites)},
               {"entries", PathEntries(config, "/_s/", std::string(kEntryPeer)) +
                               PathEntries(config, "/_f/", std::string(kEntryPeerFill))}});
}

std::string CacheLimits(const NginxConfig& config) {
  std::string limits = " min_free=" + std::to_string(config.free_bytes_least);
  if (config.cache_bytes_max > 0) limits += " max_size=" + std::to_string(config.cache_bytes_max);
  return limits;
}

}  // namespace

std::string AccessLogPath(const NginxConfig& config) { return config.log_folder + "/requests.log"; }

std::string ErrorLogPath(const NginxConfig& config) { return config.log_folder + "/error.log"; }

StatusOr<std::string> RenderNginxConfig(const NginxConfig& config) {
  STRATA_RETURN_IF_ERROR(Check(config));
  std::string forms;
  const std::string servers = Servers(config, forms);
  const Values values = {
      {"generation", std::to_string(config.generation)},
      {"user", config.user.empty() ? "" : "user \"" + config.user + "\";\n"},
      {"workers", config.workers == 0 ? "auto" : std::to_string(config.workers)},
      {"connections", std::to_string(config.connections_max)},
      {"files", config.files_max == 0
                    ? ""
                    : "worker_rlimit_nofile " + std::to_string(config.files_max) + ";\n"},
      {"folder", config.folder},
      {"error_log", ErrorLogPath(config)},
      {"types", config.mime_types.empty() ? "" : "  include \"" + config.mime_types + "\";\n"},
      {"formats", LogFormats(config)},
      {"path_sites", PathMap(config, false)},
      {"path_names", PathMap(config, true)},
      {"forms", forms},
      {"cache", config.cache_folder},
      {"temp", config.temp_folder},
      {"index", std::to_string(config.cache_index_bytes)},
      {"limits", CacheLimits(config)},
      {"wait", WaitSeconds(config)},
      {"agent", config.agent_socket},
      {"status", config.status_socket},
      {"cors", CorsMaps(config)},
  };
  return Fill(kHead, values) + DefaultServer(config) + PeerServer(config) + servers + "}\n";
}

}  // namespace strata::engine
