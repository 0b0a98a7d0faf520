#include "service_manager/restore/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/system_random.h"
#include "common/unique_fd.h"
#include "common/wall_clock.h"
#include "farm/backup/backup_reader.h"
#include "farm/backup/contents.h"
#include "service_manager/control/registrar.h"
#include "service_manager/restore/rebase.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::restore {
namespace {

namespace fs = std::filesystem;

// While it is being written; what an earlier attempt left is removed.
constexpr char kUnfinished[] = "store.restoring";

Status SystemError(const std::string& path, int error) {
  const char* why = std::strerror(error);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return PermissionDenied("%s: %s", path.c_str(), why);
  }
  return Unavailable("%s: %s", path.c_str(), why);
}

Status CheckEmpty(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name == kUnfinished || name == "lost+found") continue;
    return FailedPrecondition(
        "%s is not empty, it has %s: stop the manager and move away what is there first",
        folder.c_str(), name.c_str());
  }
  if (!error || error == std::errc::no_such_file_or_directory) return Ok();
  return SystemError(folder, error.value());
}

// Makes the folder if it is missing. Root becomes its owner: what is made in it has to be his.
Status Enter(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return SystemError(folder, errno);
  struct stat facts {};
  if (stat(folder.c_str(), &facts) != 0) return SystemError(folder, errno);
  if (geteuid() != 0 || facts.st_uid == 0) return Ok();
  if (setegid(facts.st_gid) != 0 || seteuid(facts.st_uid) != 0) return SystemError(folder, errno);
  return Ok();
}

Status WriteStore(const std::string& folder, const std::vector<store::IntentRecord>& records) {
  const std::string unfinished = folder + "/" + kUnfinished;
  std::error_code error;
  fs::remove_all(unfinished, error);
  if (error) return SystemError(unfinished, error.value());
  {
    store::RocksStore::Options options;
    options.folder = unfinished;
    STRATA_ASSIGN_OR_RETURN(const auto made, store::RocksStore::Open(std::move(options)));
    STRATA_RETURN_IF_ERROR(made->ReplaceIntents(records));
    // A new group and its key: also where the settings name a manager to be the backup of, it waits
    // for nobody.
    SystemRandom random;
    STRATA_RETURN_IF_ERROR(control::Registrar::Open(*made, random));
    STRATA_RETURN_IF_ERROR(made->Sync());
  }
  const std::string path = folder + "/store";
  fs::rename(unfinished, path, error);
  if (error) return SystemError(path, error.value());
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return SystemError(folder, errno);
  return Ok();
}

size_t PresentSites(const farm::backup::Contents& contents) {
  size_t count = 0;
  for (const auto& [name, site] : contents.sites()) count += site.version == 0 ? 0 : 1;
  return count;
}

}  // namespace

StatusOr<std::string> Restore(const RestoreOptions& options) {
  STRATA_RETURN_IF_ERROR(CheckEmpty(options.data_folder));
  std::vector<store::IntentRecord> records;
  farm::backup::Contents contents;
  STRATA_ASSIGN_OR_RETURN(
      const farm::backup::Manifest manifest,
      farm::backup::ReadBackup(options.backup,
                               [&](std::string_view key, std::string_view value) -> Status {
                                 records.push_back({std::string(key), std::string(value)});
                                 return contents.Add(key, value);
                               }));
  if (manifest.scope != options.scope) {
    return FailedPrecondition("%s is of the scope %s, this manager is of %s",
                              options.backup.c_str(), manifest.scope.c_str(),
                              options.scope.c_str());
  }
  STRATA_ASSIGN_OR_RETURN(records, Rebase(records, WallClockSeconds()));
  STRATA_RETURN_IF_ERROR(Enter(options.data_folder));
  STRATA_RETURN_IF_ERROR(WriteStore(options.data_folder, records));
  return "restored from " + options.backup + ": " + std::to_string(PresentSites(contents)) +
         " sites, " + std::to_string(contents.engines().size()) + " engines; start the manager";
}

}  // namespace strata::manager::restore
