#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "cli/backup_verbs.h"
#include "cli/bundle/bundle.h"
#include "cli/command_tree.h"
#include "cli/doctor/doctor.h"
#include "cli/failure.h"
#include "cli/parser_words.h"
#include "cli/pki/verbs.h"
#include "cli/verbs.h"
#include "common/near_miss.h"
#include "common/quantity.h"
#include "common/version.h"

namespace strata::cli {
namespace {

constexpr const char* kFooter =
    "Ends with 0: done, 1: failed, 2: wrong command line or settings, 3: not complete (a purge "
    "that "
    "an engine\ndid not confirm, tables that differ), 4: no manager answers or can act, 5: refused "
    "(certificate, "
    "role).";

using WithManager = std::function<ExitCode(ManagerClient&)>;

class CommandLine {
 public:
  CommandLine(Terminal& terminal, const Environment& environment)
      : terminal_(terminal), environment_(environment) {
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("strata ") + kVersion);
    app_.get_formatter()->column_width(34);
    AddGlobalOptions();
    AddFarm();
    AddContent();
    AddEngines();
    AddManagers();
    AddSites();
    AddRecords();
    AddBackup();
    AddPki();
    AddDiagnosis();
    AddCompletion();
    app_.footer(kFooter);
  }

  ExitCode Run(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success& done) {
      app_.exit(done, terminal_.out, terminal_.err);
      return ExitCode::kOk;
    } catch (const CLI::ParseError& error) {
      return Misused(error);
    }
    terminal_.json = json_;
    return action_();
  }

 private:
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
    terminal_.err << "strata: " << Complaint(error, typed, app_.remaining(true)) << "\n\"" << path
                  << " --help\" tells more.\n";
    return ExitCode::kUsage;
  }

  CLI::App* Group(const char* name, const char* help) {
    CLI::App* group = app_.add_subcommand(name, help);
    group->require_subcommand(1);
    return group;
  }

  CLI::App* Verb(CLI::App* parent, const char* name, const char* help,
                 std::function<ExitCode()> action) {
    CLI::App* verb = parent->add_subcommand(name, help);
    verb->callback([this, action = std::move(action)] { action_ = action; });
    return verb;
  }

  CLI::App* ManagerVerb(CLI::App* parent, const char* name, const char* help, WithManager action) {
    return Verb(parent, name, help, [this, action = std::move(action)] {
      const StatusOr<std::unique_ptr<ManagerClient>> manager = OpenManager();
      if (manager.ok()) return action(**manager);
      Fail(terminal_, manager.status());
      return ExitCode::kUsage;
    });
  }

  // One of those that are configured; or the one that is named.
  StatusOr<std::unique_ptr<ManagerClient>> OpenManager(const std::string& address = "") {
    if (!timeout_.empty()) {
      STRATA_ASSIGN_OR_RETURN(flags_.timeout, ParseDuration(timeout_));
      if (*flags_.timeout <= Duration::zero()) {
        return InvalidArgument("--timeout: %s is no time to wait", timeout_.c_str());
      }
    }
    STRATA_ASSIGN_OR_RETURN(ManagerOptions options, Configure(flags_, environment_));
    if (!address.empty()) options.managers = {address};
    return ManagerClient::Open(options);
  }

  void AddGlobalOptions();
  void AddFarm();
  void AddContent();
  void AddEngines();
  void AddManagers();
  void AddDrain(CLI::App* group);
  void AddSites();
  void AddSiteVersions(CLI::App* site);
  void AddRecords();
  void AddBackup();
  void AddPki();
  void AddPkiIssue(CLI::App* pki);
  void AddPkiRenew(CLI::App* pki);
  void AddDiagnosis();
  void AddCompletion();

  Terminal& terminal_;
  const Environment& environment_;
  CLI::App app_{"The command of Strata: asks and tells a Service Manager.", "strata"};
  ConnectionFlags flags_;
  std::string timeout_;
  bool json_ = false;
  std::function<ExitCode()> action_;
};

void CommandLine::AddGlobalOptions() {
  app_.add_option("--manager", flags_.managers,
                  "The Service Manager to ask; several, or a list with commas: one after the "
                  "other until one can answer")
      ->allow_extra_args(false)
      ->type_name("HOST:PORT");
  app_.add_option("--config", flags_.config,
                  "Settings file; else $STRATA_CONFIG, ~/.config/strata/cli.yaml, "
                  "/etc/strata/cli.yaml")
      ->type_name("FILE");
  app_.add_option("--timeout", timeout_, "How long to wait for an answer, such as 10s")
      ->type_name("TIME");
  app_.add_flag("--json", json_, "Answer for programs; lists have an object a line");
}

void CommandLine::AddFarm() {
  CLI::App* farm = Group("farm", "The farm: its engines, their state, whether all agree");
  auto watch = std::make_shared<bool>(false);
  ManagerVerb(farm, "show", "Show the state table", [this, watch](ManagerClient& manager) {
    return *watch ? WatchFarm(terminal_, manager) : ShowFarm(terminal_, manager);
  })->add_flag("-w,--watch", *watch, "Again each second, until Ctrl-C");
  ManagerVerb(farm, "verify", "Compare the tables of all members",
              [this](ManagerClient& manager) { return VerifyFarm(terminal_, manager); });
}

void CommandLine::AddContent() {
  auto uri = std::make_shared<std::string>();
  ManagerVerb(&app_, "locate", "Who holds a content, and who would fetch it",
              [this, uri](ManagerClient& manager) { return Locate(terminal_, manager, *uri); })
      ->add_option("uri", *uri, "Such as http://films.example/a.mp4")
      ->required()
      ->type_name("URI");

  CLI::App* content = Group("content", "What the engines hold");
  auto list = std::make_shared<ListContentOptions>();
  CLI::App* verb = ManagerVerb(
      content, "list", "List contents and their engines",
      [this, list](ManagerClient& manager) { return ListContent(terminal_, manager, *list); });
  verb->add_option("--site", list->site, "Of this site only")->type_name("NAME");
  verb->add_option("--engine", list->engine, "Held by this engine only")->type_name("NAME");
  verb->add_option("--limit", list->limit, "At most so many [1000]")->type_name("N");

  auto uris = std::make_shared<std::vector<std::string>>();
  ManagerVerb(
      content, "purge", "Drop contents at all engines, and wait until they confirm",
      [this, uris](ManagerClient& manager) { return PurgeContent(terminal_, manager, *uris); })
      ->add_option("uri", *uris, "Contents to drop")
      ->required()
      ->type_name("URI");
}

void CommandLine::AddEngines() {
  CLI::App* group = Group("engine", "The engines of the farm");
  ManagerVerb(group, "list", "List the engines, where they are and what they can do",
              [this](ManagerClient& manager) { return ListEngines(terminal_, manager); });
  auto name = std::make_shared<std::string>();
  const auto add = [&](const char* verb, const char* help, auto action) {
    ManagerVerb(group, verb, help, action)
        ->add_option("name", *name, "The engine")
        ->required()
        ->type_name("NAME");
  };
  AddDrain(group);
  add("undrain", "Send it clients again",
      [this, name](ManagerClient& manager) { return UndrainEngine(terminal_, manager, *name); });
  add("remove", "Forget an engine that is gone",
      [this, name](ManagerClient& manager) { return RemoveEngine(terminal_, manager, *name); });
}

void CommandLine::AddDrain(CLI::App* group) {
  auto options = std::make_shared<DrainOptions>();
  auto within = std::make_shared<std::string>();
  CLI::App* verb = ManagerVerb(
      group, "drain", "Send an engine no new clients, and copy to others what only it has",
      [this, options, within](ManagerClient& manager) {
        if (within->empty()) return DrainEngine(terminal_, manager, *options);
        const StatusOr<Duration> limit = ParseDuration(*within);
        if (!limit.ok() || *limit <= Duration::zero()) {
          return Fail(terminal_,
                      InvalidArgument("--within: %s is no time to wait", within->c_str()));
        }
        options->within = *limit;
        return DrainEngine(terminal_, manager, *options);
      });
  verb->add_option("name", options->engine, "The engine")->required()->type_name("NAME");
  verb->add_flag("--wait", options->wait, "Until it is safe to switch it off");
  verb->add_option("--within", *within, "Wait so long at most, such as 30min")->type_name("TIME");
  verb->add_flag("--without-copying", options->without_copying,
                 "Wait for running requests only: what only it has is missing then");
}

void CommandLine::AddManagers() {
  CLI::App* group =
      Group("manager", "The Service Managers of the farm: who leads, who backs it up");
  ManagerVerb(group, "list", "List the managers",
              [this](ManagerClient& manager) { return ListManagers(terminal_, manager); });
  struct Options {
    std::string name;
    bool anyway = false;
  };
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* verb, const char* help, auto action) {
    CLI::App* command = ManagerVerb(group, verb, help, action);
    command->add_option("name", options->name, "The manager")->required()->type_name("NAME");
    return command;
  };
  add("promote", "Let a backup lead the farm from now on",
      [this, options](ManagerClient& manager) {
        const auto open = [this](const std::string& address) { return OpenManager(address); };
        return PromoteManager(terminal_, manager, open, options->name, options->anyway);
      })
      ->add_flag(
          "--the-others-are-gone", options->anyway,
          "Also if too few are left to agree: what only the others knew is lost, and if they "
          "are alive there are two farms");
  add("remove", "Forget a manager that is gone", [this, options](ManagerClient& manager) {
    return RemoveManager(terminal_, manager, options->name);
  });
}

void CommandLine::AddSites() {
  CLI::App* site = Group("site", "The sites: hosts, origins and rules");
  ManagerVerb(site, "list", "List the sites",
              [this](ManagerClient& manager) { return ListSites(terminal_, manager); });
  auto file = std::make_shared<std::string>();
  const auto add = [&](const char* verb, const char* help, bool dry_run) {
    ManagerVerb(site, verb, help,
                [this, file, dry_run](ManagerClient& manager) {
                  return ApplySite(terminal_, manager, {.file = *file, .dry_run = dry_run});
                })
        ->add_option("-f,--file", *file, "The site's YAML file; - is standard input")
        ->required()
        ->type_name("FILE");
  };
  add("diff", "Say what a file would change", true);
  add("apply", "Make or change a site", false);
  AddSiteVersions(site);
}

void CommandLine::AddSiteVersions(CLI::App* site) {
  struct Options {
    std::string name;
    uint64_t version = 0;
  };
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* verb, const char* help, auto action) {
    CLI::App* command = ManagerVerb(site, verb, help, action);
    command->add_option("name", options->name, "The site")->required()->type_name("NAME");
    return command;
  };
  add("show", "Show a site's file as it was applied",
      [this, options](ManagerClient& manager) {
        return ShowSite(terminal_, manager, options->name, options->version);
      })
      ->add_option("--at", options->version, "An earlier version, by its number")
      ->type_name("N");
  add("rollback", "Go back to an earlier version",
      [this, options](ManagerClient& manager) {
        return RollbackSite(terminal_, manager, options->name, options->version);
      })
      ->add_option("--to", options->version, "That one; else the one before")
      ->type_name("N");
  add("remove", "Remove a site: nobody serves it any more",
      [this, options](ManagerClient& manager) {
        return RemoveSite(terminal_, manager, options->name);
      });
}

void CommandLine::AddRecords() {
  auto events = std::make_shared<EventOptions>(EventOptions{.recent = 20, .follow = false});
  CLI::App* verb = ManagerVerb(
      &app_, "events", "What happened in the farm",
      [this, events](ManagerClient& manager) { return ShowEvents(terminal_, manager, *events); });
  verb->add_flag("--follow", events->follow, "Go on as they happen, until Ctrl-C");
  verb->add_option("--recent", events->recent, "So many of the last ones [20]")->type_name("N");

  auto limit = std::make_shared<uint32_t>(0);
  ManagerVerb(
      &app_, "audit", "Who told the manager what, and how it ended",
      [this, limit](ManagerClient& manager) { return ShowAudit(terminal_, manager, *limit); })
      ->add_option("--limit", *limit, "So many of the last records [100]")
      ->type_name("N");
}

void CommandLine::AddBackup() {
  CLI::App* group = Group("backup", "Backups of all that a manager must not forget");
  auto to = std::make_shared<std::string>();
  ManagerVerb(group, "create", "Write one, while the manager runs",
              [this, to](ManagerClient& manager) { return CreateBackup(terminal_, manager, *to); })
      ->add_option("--to", *to, "A new folder, or a file .tar, .tar.gz or .tgz")
      ->required()
      ->type_name("PATH");
  auto options = std::make_shared<RestoreBackupOptions>();
  const auto add = [&](const char* verb, const char* help, std::function<ExitCode()> action) {
    CLI::App* command = Verb(group, verb, help, std::move(action));
    command->add_option("backup", options->backup, "Its folder or file")
        ->required()
        ->type_name("PATH");
    return command;
  };
  add("verify", "Check one, and say what is in it; needs no manager",
      [this, options] { return VerifyBackup(terminal_, options->backup); });
  add("restore",
      "Make the store of a manager that does not run, on its machine; --config is its settings "
      "file [/etc/strata/manager.yaml]",
      [this, options] {
        options->config = flags_.config;
        return RestoreBackup(terminal_, *options);
      })
      ->add_option("--program", options->program, "The manager's program, if it is not strata-sm")
      ->type_name("FILE");
}

void CommandLine::AddPki() {
  CLI::App* pki = Group("pki", "A small certificate authority in a folder; needs no manager");
  auto init = std::make_shared<PkiInitOptions>();
  auto name = std::make_shared<std::string>();
  CLI::App* verb = Verb(pki, "init", "Make an authority", [this, init, name] {
    if (!name->empty()) init->name = *name;
    return InitPki(terminal_, *init);
  });
  verb->add_option("--dir", init->folder, "Its folder")->required()->type_name("DIR");
  verb->add_option("--scope", init->scope, "What it issues for, with all below: cdn-one/lan-a")
      ->required()
      ->type_name("SCOPE");
  verb->add_option("--name", *name, "Its name in certificates")->type_name("TEXT");
  AddPkiIssue(pki);
  AddPkiRenew(pki);

  auto folder = std::make_shared<std::string>();
  auto who = std::make_shared<std::string>();
  verb = Verb(pki, "revoke", "Make certificates void",
              [this, folder, who] { return RevokeCertificate(terminal_, *folder, *who); });
  verb->add_option("--dir", *folder, "The authority's folder")->required()->type_name("DIR");
  verb->add_option("who", *who, "NAME, ROLE/NAME or a serial")->required()->type_name("WHO");
  verb = Verb(pki, "list", "List what was issued",
              [this, folder] { return ListCertificates(terminal_, *folder); });
  verb->add_option("--dir", *folder, "The authority's folder")->required()->type_name("DIR");
}

void CommandLine::AddPkiIssue(CLI::App* pki) {
  auto issue = std::make_shared<PkiIssueOptions>();
  auto out = std::make_shared<std::string>();
  CLI::App* verb = Verb(pki, "issue", "Issue a certificate with a new key", [this, issue, out] {
    if (!out->empty()) issue->request.out = *out;
    return IssueCertificate(terminal_, *issue);
  });
  verb->add_option("--dir", issue->folder, "The authority's folder")->required()->type_name("DIR");
  verb->add_option("--role", issue->role, "manager, engine, operator, viewer or witness")
      ->required()
      ->type_name("ROLE");
  verb->add_option("--name", issue->request.name, "Whose it is")->required()->type_name("NAME");
  verb->add_option("--scope", issue->request.scope, "Of this scope; else the authority's")
      ->type_name("SCOPE");
  verb->add_option("--days", issue->request.days, "How long it is good [365]")
      ->check(CLI::Range(1, kDaysMax))
      ->type_name("N");
  verb->add_option("--out", *out, "Folder for the files; else DIR/issued/SCOPE/ROLE/NAME")
      ->type_name("FOLDER");
}

void CommandLine::AddPkiRenew(CLI::App* pki) {
  struct Options {
    std::string folder;
    std::string who;
    std::string out;
    AuthorityFolder::Request request;
  };
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      Verb(pki, "renew", "Issue another one before the first expires", [this, options] {
        if (!options->out.empty()) options->request.out = options->out;
        return RenewCertificate(terminal_, options->folder, options->who, options->request);
      });
  verb->add_option("--dir", options->folder, "The authority's folder")
      ->required()
      ->type_name("DIR");
  verb->add_option("--days", options->request.days, "How long it is good [365]")
      ->check(CLI::Range(1, kDaysMax))
      ->type_name("N");
  verb->add_option("--out", options->out, "Folder for the files; else where the first ones went")
      ->type_name("FOLDER");
  verb->add_option("who", options->who, "NAME, ROLE/NAME or a serial")
      ->required()
      ->type_name("WHO");
}

void CommandLine::AddDiagnosis() {
  auto files = std::make_shared<std::vector<std::string>>();
  Verb(&app_, "doctor", "Find the usual mistakes on this machine, and say what to do",
       [this, files] {
         const std::vector<std::string> found =
             files->empty() ? SettingsHere(flags_, environment_) : *files;
         if (!found.empty()) return doctor::RunDoctor(terminal_, found);
         Fail(terminal_, FindSettingsFile(flags_, environment_).status());
         return ExitCode::kUsage;
       })
      ->add_option("file", *files,
                   "Settings files of a manager, an engine or this command; else --config, else "
                   "those in /etc/strata and your own")
      ->type_name("FILE");

  auto out = std::make_shared<std::string>();
  CLI::App* debug = Group("debug", "For reports of mistakes");
  CLI::App* bundle = Verb(
      debug, "bundle", "Write a file with what a report of a mistake needs, without secrets",
      [this, files, out] {
        return bundle::MakeBundle(
            terminal_, {.out = *out,
                        .settings = files->empty() ? SettingsHere(flags_, environment_) : *files,
                        .open_manager = [this] { return OpenManager(); }});
      });
  bundle->add_option("--out", *out, "The file; else strata-debug-HOST-TIME.tar.gz in this folder")
      ->type_name("FILE.tar.gz");
  bundle->add_option("file", *files, "Settings files, as for doctor")->type_name("FILE");
}

void CommandLine::AddCompletion() {
  CLI::App* group = Group("completion", "What a shell needs to complete this command");
  const auto add = [&](const char* shell, const char* help,
                       std::string (*render)(const CommandTree&)) {
    Verb(group, shell, help, [this, render] {
      terminal_.out << render(TreeOf(app_));
      return ExitCode::kOk;
    });
  };
  add("bash", "source <(strata completion bash)", BashCompletion);
  add("zsh", "source <(strata completion zsh)", ZshCompletion);
  add("fish", "strata completion fish | source", FishCompletion);
}

}  // namespace

ExitCode RunCommandLine(const std::vector<std::string>& arguments, Terminal& terminal,
                        const Environment& environment) {
  return CommandLine(terminal, environment).Run(arguments);
}

}  // namespace strata::cli
