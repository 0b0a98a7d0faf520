#include "cli/doctor/as_user.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

namespace strata::cli::doctor {
namespace {

int MayAccess(const std::string& path, int mode) {
  return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

}  // namespace

AsUser::AsUser(const std::string& user) {
  const passwd* who = geteuid() == 0 ? getpwnam(user.c_str()) : nullptr;
  if (who == nullptr || who->pw_uid == 0) return;
  setfsgid(who->pw_gid);
  setfsuid(who->pw_uid);  // Takes the right to pass over permissions with it.
  // Neither call says whether it worked; this one changes nothing, and says who it is.
  changed_ = static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1))) == who->pw_uid;
  if (!changed_) setfsgid(getegid());
}

AsUser::~AsUser() {
  if (!changed_) return;
  setfsuid(geteuid());
  setfsgid(getegid());
}

int MayRead(const std::string& path) { return MayAccess(path, R_OK); }
int MayWrite(const std::string& path) { return MayAccess(path, W_OK | X_OK); }

}  // namespace strata::cli::doctor
