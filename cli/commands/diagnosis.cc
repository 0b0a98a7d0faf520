#include <memory>
#include <string>
#include <vector>

#include "cli/bundle/bundle.h"
#include "cli/commands/families.h"
#include "cli/doctor/doctor.h"
#include "cli/failure.h"

namespace strata::cli {
namespace {

void AddDoctor(Command& root) {
  const auto files = std::make_shared<std::vector<std::string>>();
  root.Verb("doctor", "Find the usual mistakes on this machine, and say what to do",
            [files](Session& session) {
              const std::vector<std::string> found = session.SettingsOr(*files);
              if (!found.empty()) return doctor::RunDoctor(session.terminal, found);
              Fail(session.terminal, FindSettingsFile(session.flags, session.environment).status());
              return ExitCode::kUsage;
            })
      .Takes({"file", "FILE",
              "Settings files of a manager, an engine or this command; else --config, else "
              "those in /etc/strata and your own"},
             *files);
}

void AddBundle(Command& debug) {
  struct Typed {
    std::string out;
    std::vector<std::string> files;
  };
  const auto typed = std::make_shared<Typed>();
  debug
      .Verb("bundle", "Write a file with what a report of a mistake needs, without secrets",
            [typed](Session& session) {
              return bundle::MakeBundle(
                  session.terminal, {.out = typed->out,
                                     .settings = session.SettingsOr(typed->files),
                                     .open_manager = [&session] { return session.OpenManager(); }});
            })
      .Takes(
          {"--out", "FILE.tar.gz", "The file; else strata-debug-HOST-TIME.tar.gz in this folder"},
          typed->out)
      .Takes({"file", "FILE", "Settings files, as for doctor"}, typed->files);
}

}  // namespace

void AddDiagnosisCommands(Command& root) {
  AddDoctor(root);
  Command debug = root.Group("debug", "For reports of mistakes");
  AddBundle(debug);
}

}  // namespace strata::cli
