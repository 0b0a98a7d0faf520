#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "cli/commands/command.h"
#include "cli/commands/families.h"
#include "cli/commands/session.h"
#include "cli/parser_words.h"
#include "common/version.h"

namespace strata::cli {
namespace {

constexpr const char* kFooter =
    "Ends with 0: done, 1: failed, 2: wrong command line or settings, 3: not complete (a purge "
    "that an engine\ndid not confirm, tables that differ), 4: no manager answers or can act, "
    "5: refused (certificate, role).";
constexpr size_t kHelpColumn = 34;

class CommandLine {
 public:
  CommandLine(Terminal& terminal, const Environment& environment)
      : session_{.terminal = terminal, .environment = environment} {
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("strata ") + kVersion);
    app_.get_formatter()->column_width(kHelpColumn);
    AddGlobalOptions();
    AddCommands();
    // At last: commands take over the footer that there is when they are added.
    app_.footer(kFooter);
  }

  ExitCode Run(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success& done) {
      app_.exit(done, session_.terminal.out, session_.terminal.err);
      return ExitCode::kOk;
    } catch (const CLI::ParseError& error) {
      return Misused(error);
    }
    session_.terminal.json = json_;
    return chosen_(session_);
  }

 private:
  void AddGlobalOptions();
  void AddCommands();

  // The deepest command that was typed.
  const CLI::App& Typed() const {
    const CLI::App* typed = &app_;
    while (!typed->get_subcommands().empty()) typed = typed->get_subcommands().front();
    return *typed;
  }

  ExitCode Misused(const CLI::ParseError& error) {
    const CLI::App& typed = Typed();
    std::string path = typed.get_name();
    for (const CLI::App* up = typed.get_parent(); up != nullptr; up = up->get_parent()) {
      path = up->get_name() + " " + path;
    }
    session_.terminal.err << "strata: " << Complaint(error, typed, app_.remaining(true)) << "\n\""
                          << path << " --help\" tells more.\n";
    return ExitCode::kUsage;
  }

  CLI::App app_{"The command of Strata: asks and tells a Service Manager.", "strata"};
  Session session_;
  bool json_ = false;
  Command::Action chosen_;
};

void CommandLine::AddGlobalOptions() {
  app_.add_option("--manager", session_.flags.managers,
                  "The Service Manager to ask; several, or a list with commas: one after the "
                  "other until one can answer")
      ->allow_extra_args(false)
      ->type_name("HOST:PORT");
  app_.add_option("--config", session_.flags.config,
                  "Settings file; else $STRATA_CONFIG, ~/.config/strata/cli.yaml, "
                  "/etc/strata/cli.yaml")
      ->type_name("FILE");
  app_.add_option("--timeout", session_.timeout, "How long to wait for an answer, such as 10s")
      ->type_name("TIME");
  app_.add_flag("--json", json_, "Answer for programs; lists have an object a line");
}

void CommandLine::AddCommands() {
  Command root(app_, session_, chosen_);
  AddFarmCommands(root);
  AddContentCommands(root);
  AddEngineCommands(root);
  AddManagerCommands(root);
  AddTreeCommands(root);
  AddSiteCommands(root);
  AddPurgeCommands(root);
  AddRecordCommands(root);
  AddBackupCommands(root);
  AddPkiCommands(root);
  AddTopologyCommands(root);
  AddDiagnosisCommands(root);
  AddCompletionCommands(root);
}

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, Terminal& terminal,
                        const Environment& environment) {
  return CommandLine(terminal, environment).Run(arguments);
}

}  // namespace strata::cli
