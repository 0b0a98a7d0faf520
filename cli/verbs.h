#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/manager_client.h"
#include "cli/terminal.h"
#include "common/time.h"

// What the command does with a manager. Each verb prints its answer, for people or as JSON, or one
// sentence on what failed, and gives the exit code.

namespace strata::cli {

inline constexpr size_t kPurgeBatch = 1000;  // URIs in one request; more go in several.
inline constexpr size_t kSiteFileBytesMax = 1 << 20;

// farm_verbs.cc
ExitCode ShowFarm(Terminal& terminal, ManagerClient& manager);
// Again and again until Ctrl-C, also while the manager is away for a time.
ExitCode WatchFarm(Terminal& terminal, ManagerClient& manager);
// kNotComplete if a member differs or is silent.
ExitCode VerifyFarm(Terminal& terminal, ManagerClient& manager);
ExitCode ListEngines(Terminal& terminal, ManagerClient& manager);
ExitCode RemoveEngine(Terminal& terminal, ManagerClient& manager, const std::string& engine);

// drain_verb.cc
struct DrainOptions {
  std::string engine;
  bool wait = false;             // Until it is safe to switch off.
  Duration within{};             // Waits so long at most; zero: until it is safe, or nothing moves.
  bool without_copying = false;  // Waits for running requests only.
};
// kNotComplete if it waited, and it is not safe to switch the engine off.
ExitCode DrainEngine(Terminal& terminal, ManagerClient& manager, const DrainOptions& options);
ExitCode UndrainEngine(Terminal& terminal, ManagerClient& manager, const std::string& engine);

// manager_verbs.cc
using OpenManagerAt =
    std::function<StatusOr<std::unique_ptr<ManagerClient>>(const std::string& address)>;
ExitCode ListManagers(Terminal& terminal, ManagerClient& manager);
// Asks the manager of that name itself. `anyway`: also without a majority.
ExitCode PromoteManager(Terminal& terminal, ManagerClient& manager, const OpenManagerAt& open,
                        const std::string& name, bool anyway);
ExitCode RemoveManager(Terminal& terminal, ManagerClient& manager, const std::string& name);

// tree_verbs.cc
ExitCode ShowTree(Terminal& terminal, ManagerClient& manager);
// As WatchFarm.
ExitCode WatchTree(Terminal& terminal, ManagerClient& manager);

// policy_verbs.cc
ExitCode ShowPolicy(Terminal& terminal, ManagerClient& manager);
ExitCode TestPolicy(Terminal& terminal, ManagerClient& manager, const std::string& uri);

// locate_verb.cc
// Of this farm; as text also what others hold, if it is one of a federation.
ExitCode Locate(Terminal& terminal, ManagerClient& manager, const std::string& uri);
// Of all scopes, with the way of the question. kNotComplete if somebody could not be asked.
ExitCode TraceLocation(Terminal& terminal, ManagerClient& manager, const std::string& uri);

// content_verbs.cc
struct ListContentOptions {
  std::string site;
  std::string engine;
  uint32_t limit = 0;
};
ExitCode ListContent(Terminal& terminal, ManagerClient& manager, const ListContentOptions& options);
// kNotComplete if an engine did not confirm.
ExitCode PurgeContent(Terminal& terminal, ManagerClient& manager,
                      const std::vector<std::string>& uris);

// site_verbs.cc
ExitCode ListSites(Terminal& terminal, ManagerClient& manager);
ExitCode ShowSite(Terminal& terminal, ManagerClient& manager, const std::string& name,
                  uint64_t version);
// The file's name may be "-" for standard input.
struct ApplySiteOptions {
  std::string file;
  bool dry_run = false;
};
ExitCode ApplySite(Terminal& terminal, ManagerClient& manager, const ApplySiteOptions& options);
ExitCode RollbackSite(Terminal& terminal, ManagerClient& manager, const std::string& name,
                      uint64_t version);
ExitCode RemoveSite(Terminal& terminal, ManagerClient& manager, const std::string& name);

// site_flow_verbs.cc
// kNotComplete if somebody beneath has another version, or has not purged all.
ExitCode SiteStatus(Terminal& terminal, ManagerClient& manager, const std::string& name);
struct ListPurgesOptions {
  std::string site;    // Empty: of all.
  uint32_t limit = 0;  // Of each site; 0: as many as the manager likes.
};
ExitCode ListPurges(Terminal& terminal, ManagerClient& manager, const ListPurgesOptions& options);
// kNotComplete if an engine has not confirmed it.
ExitCode ShowPurge(Terminal& terminal, ManagerClient& manager, const std::string& id);

// record_verbs.cc
struct EventOptions {
  uint32_t recent = 0;
  bool follow = false;
};
ExitCode ShowEvents(Terminal& terminal, ManagerClient& manager, const EventOptions& options);
ExitCode ShowAudit(Terminal& terminal, ManagerClient& manager, uint32_t limit);

}  // namespace strata::cli
