#include <cstdint>
#include <memory>
#include <string>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {
namespace {

constexpr Word kName{"name", "NAME", "The site"};

void AddApply(Command& site, const char* name, const char* help, bool dry_run) {
  const auto options =
      std::make_shared<ApplySiteOptions>(ApplySiteOptions{.file = {}, .dry_run = dry_run});
  site.ManagerVerb(name, help,
                   [options](Terminal& terminal, ManagerClient& manager) {
                     return ApplySite(terminal, manager, *options);
                   })
      .Needs({"-f,--file", "FILE", "The site's YAML file; - is standard input"}, options->file);
}

using VersionVerb = ExitCode (*)(Terminal&, ManagerClient&, const std::string& name,
                                 uint64_t version);

// One that has to do with a version of the site: which one follows `version`.
void AddVersioned(Command& site, const char* name, const char* help, const Word& version,
                  VersionVerb verb) {
  struct Typed {
    std::string name;
    uint64_t version = 0;
  };
  const auto typed = std::make_shared<Typed>();
  site.ManagerVerb(name, help,
                   [typed, verb](Terminal& terminal, ManagerClient& manager) {
                     return verb(terminal, manager, typed->name, typed->version);
                   })
      .Needs(kName, typed->name)
      .Takes(version, typed->version);
}

}  // namespace

void AddSiteCommands(Command& root) {
  Command site = root.Group("site", "The sites: hosts, origins and rules");
  site.ManagerVerb("list", "List the sites", ListSites);
  AddApply(site, "diff", "Say what a file would change", true);
  AddApply(site, "apply", "Make or change a site", false);
  AddVersioned(site, "show", "Show a site's file as it was applied",
               {"--at", "N", "An earlier version, by its number"}, ShowSite);
  AddVersioned(site, "rollback", "Go back to an earlier version",
               {"--to", "N", "That one; else the one before"}, RollbackSite);
  const auto asked = std::make_shared<std::string>();
  site.ManagerVerb("status", "Who beneath has which version, and has purged what",
                   [asked](Terminal& terminal, ManagerClient& manager) {
                     return SiteStatus(terminal, manager, *asked);
                   })
      .Needs(kName, *asked);
  const auto name = std::make_shared<std::string>();
  site.ManagerVerb("remove", "Remove a site: nobody serves it any more",
                   [name](Terminal& terminal, ManagerClient& manager) {
                     return RemoveSite(terminal, manager, *name);
                   })
      .Needs(kName, *name);
}

}  // namespace strata::cli
