#include <memory>
#include <string>

#include "cli/backup_verbs.h"
#include "cli/commands/families.h"

namespace strata::cli {
namespace {

constexpr Word kBackup{"backup", "PATH", "Its folder or file"};

void AddCreate(Command& group) {
  const auto to = std::make_shared<std::string>();
  group
      .ManagerVerb("create", "Write one, while the manager runs",
                   [to](Terminal& terminal, ManagerClient& manager) {
                     return CreateBackup(terminal, manager, *to);
                   })
      .Needs({"--to", "PATH", "A new folder, or a file .tar, .tar.gz or .tgz"}, *to);
}

void AddVerify(Command& group) {
  const auto path = std::make_shared<std::string>();
  group
      .Verb("verify", "Check one, and say what is in it; needs no manager",
            [path](Session& session) { return VerifyBackup(session.terminal, *path); })
      .Needs(kBackup, *path);
}

void AddRestore(Command& group) {
  const auto options = std::make_shared<RestoreBackupOptions>();
  group
      .Verb("restore",
            "Make the store of a manager that does not run, on its machine; --config is its "
            "settings file [/etc/strata/manager.yaml]",
            [options](Session& session) {
              options->config = session.flags.config;
              return RestoreBackup(session.terminal, *options);
            })
      .Needs(kBackup, options->backup)
      .Takes({"--program", "FILE", "The manager's program, if it is not strata-sm"},
             options->program);
}

}  // namespace

void AddBackupCommands(Command& root) {
  Command group = root.Group("backup", "Backups of all that a manager must not forget");
  AddCreate(group);
  AddVerify(group);
  AddRestore(group);
}

}  // namespace strata::cli
