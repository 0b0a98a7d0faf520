#include "service_engine/adapters/nginx/config_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "common/atomic_file.h"
#include "common/log.h"
#include "common/unique_fd.h"
#include "common/wall_clock.h"
#include "service_engine/adapters/nginx/clock.h"

namespace strata::engine {
namespace {

// Operators may read it; there are no secrets in it.
constexpr unsigned kMode = 0644;

namespace fs = std::filesystem;

constexpr uint64_t kFilesBesides = 512;  // Logs, listeners, the agent.
constexpr uint64_t kConnectionsLeast = 256;

// A connection may need a file besides its socket; nginx is given what this process may give.
void SetLimits(NginxConfig& config) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const uint64_t wanted = uint64_t{config.connections_max} * 2 + kFilesBesides;
  config.files_max = std::min<uint64_t>(files.rlim_max, wanted);
  const uint64_t left = config.files_max - std::min(config.files_max, kFilesBesides);
  config.connections_max = static_cast<uint32_t>(std::max<uint64_t>(left / 2, kConnectionsLeast));
}

NginxConfig BaseOf(const NginxAdapterOptions& options) {
  NginxConfig config;
  config.engine = options.engine;
  config.clients = options.clients;
  config.peers = options.peers;
  config.folder = options.folder;
  config.cache_folder = options.cache_folder;
  config.temp_folder =
      options.temp_folder.empty() ? options.cache_folder + ".temp" : options.temp_folder;
  config.library_folder = options.library_folder;
  config.log_folder = options.log_folder;
  config.agent_socket = options.agent_socket;
  config.status_socket = options.folder + "/status.sock";
  config.user = options.user;
  // Without a name nginx's workers would be nobody, who could read nothing of ours.
  if (config.user.empty() && geteuid() == 0) config.user = "root";
  config.workers = options.workers;
  config.cache_bytes_max = options.cache_bytes_max;
  config.free_bytes_least = options.free_bytes_least;
  SetLimits(config);
  if (!options.operator_log_format.empty()) {
    config.operator_log_format = options.operator_log_format;
  }
  std::error_code ignored;
  if (!fs::exists(config.mime_types, ignored)) config.mime_types.clear();
  return config;
}

Status MakeFolder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) return Ok();
  return Unavailable("make the folder %s: %s", path.c_str(), error.message().c_str());
}

Status GiveTo(const std::string& user, const std::string& path) {
  const passwd* who = user.empty() || user == "root" ? nullptr : getpwnam(user.c_str());
  if (who == nullptr || geteuid() != 0) return Ok();
  if (chown(path.c_str(), who->pw_uid, who->pw_gid) == 0) return Ok();
  return Unavailable("give %s to %s: %s", path.c_str(), user.c_str(), strerror(errno));
}

StatusOr<dev_t> DiskOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return Unavailable("%s: %s", path.c_str(), strerror(errno));
  }
  return info.st_dev;
}

}  // namespace

// A generation that no earlier life of the engine has used: an old nginx is not taken for ours.
ConfigFiles::ConfigFiles(const NginxAdapterOptions& options, NginxProcess& process)
    : base_(BaseOf(options)),
      process_(process),
      generation_(static_cast<uint64_t>(WallClockNanos() / 1000)),
      closed_(options.closed) {}

Status ConfigFiles::Prepare() const {
  for (const std::string& folder :
       {base_.folder, base_.cache_folder, base_.temp_folder, base_.log_folder}) {
    STRATA_RETURN_IF_ERROR(MakeFolder(folder));
  }
  STRATA_RETURN_IF_ERROR(GiveTo(base_.user, base_.cache_folder));
  STRATA_RETURN_IF_ERROR(GiveTo(base_.user, base_.temp_folder));
  STRATA_RETURN_IF_ERROR(GiveTo(base_.user, base_.log_folder));
  STRATA_ASSIGN_OR_RETURN(const dev_t cache, DiskOf(base_.cache_folder));
  STRATA_ASSIGN_OR_RETURN(const dev_t temp, DiskOf(base_.temp_folder));
  if (cache == temp) return Ok();
  return FailedPrecondition("%s and %s have to be on one disk: files go over by rename",
                            base_.temp_folder.c_str(), base_.cache_folder.c_str());
}

std::set<std::string> ConfigFiles::LibrariesNow() const {
  std::set<std::string> names;
  if (base_.library_folder.empty()) return names;
  std::error_code error;
  for (fs::directory_iterator it(base_.library_folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) names.insert(it->path().filename().string());
  }
  return names;
}

StatusOr<std::string> ConfigFiles::Rendered(const std::vector<farm::Site>& sites,
                                            const std::set<std::string>& libraries) {
  NginxConfig config = base_;
  config.generation = generation_ + 1;
  config.closed = closed_;
  config.sites = sites;
  config.libraries = libraries;
  STRATA_ASSIGN_OR_RETURN(std::string text, RenderNginxConfig(config));
  STRATA_RETURN_IF_ERROR(Try(text));
  return text;
}

Status ConfigFiles::Try(const std::string& text) const {
  const std::string path = base_.folder + "/nginx.try.conf";
  STRATA_RETURN_IF_ERROR(WriteFileAtomically(path, text, kMode));
  return process_.Test(path);
}

Status ConfigFiles::StartWith(const std::vector<farm::Site>& sites) {
  absl::MutexLock lock(&mu_);
  const std::set<std::string> libraries = LibrariesNow();
  STRATA_ASSIGN_OR_RETURN(std::string text, Rendered(sites, libraries));
  STRATA_RETURN_IF_ERROR(WriteFileAtomically(base_.folder + "/nginx.conf", text, kMode));
  STRATA_RETURN_IF_ERROR(process_.Start(++generation_));
  sites_ = sites;
  libraries_ = libraries;
  text_ = std::move(text);
  return Ok();
}

Status ConfigFiles::Check(const std::vector<farm::Site>& sites) {
  absl::MutexLock lock(&mu_);
  return Rendered(sites, LibrariesNow()).status();
}

Status ConfigFiles::Apply(const std::vector<farm::Site>& sites) {
  absl::MutexLock lock(&mu_);
  return ApplyLocked(sites);
}

Status ConfigFiles::SetClosed(bool closed) {
  absl::MutexLock lock(&mu_);
  if (closed == closed_) return Ok();
  closed_ = closed;
  const std::vector<farm::Site> sites = sites_;
  const Status applied = ApplyLocked(sites);
  if (!applied.ok()) closed_ = !closed;
  return applied;
}

Status ConfigFiles::ApplyLibraries() {
  absl::MutexLock lock(&mu_);
  if (LibrariesNow() == libraries_) return Ok();
  const std::vector<farm::Site> sites = sites_;
  return ApplyLocked(sites);
}

std::set<std::string> ConfigFiles::Libraries() {
  absl::MutexLock lock(&mu_);
  return libraries_;
}

Status ConfigFiles::ApplyLocked(const std::vector<farm::Site>& sites) {
  const std::string path = base_.folder + "/nginx.conf";
  const std::set<std::string> libraries = LibrariesNow();
  STRATA_ASSIGN_OR_RETURN(std::string text, Rendered(sites, libraries));
  STRATA_RETURN_IF_ERROR(WriteFileAtomically(path, text, kMode));
  const Status status = process_.Reload(++generation_);
  if (!status.ok()) {
    // Back to what was, for nginx too: it may have been about to take over the new one.
    STRATA_RETURN_IF_ERROR(WriteFileAtomically(path, text_, kMode));
    process_.ReloadAgain();
    return status;
  }
  sites_ = sites;
  libraries_ = libraries;
  text_ = std::move(text);
  return Ok();
}

}  // namespace strata::engine
