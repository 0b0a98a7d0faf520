#include <cstdint>
#include <memory>

#include "cli/commands/families.h"
#include "cli/verbs.h"

namespace strata::cli {

void AddRecordCommands(Command& root) {
  const auto events = std::make_shared<EventOptions>(EventOptions{.recent = 20, .follow = false});
  root.ManagerVerb("events", "What happened in the farm",
                   [events](Terminal& terminal, ManagerClient& manager) {
                     return ShowEvents(terminal, manager, *events);
                   })
      .Flag("--follow", events->follow, "Go on as they happen, until Ctrl-C")
      .Takes({"--recent", "N", "So many of the last ones [20]"}, events->recent);
  const auto limit = std::make_shared<uint32_t>(0);
  root.ManagerVerb("audit", "Who told the manager what, and how it ended",
                   [limit](Terminal& terminal, ManagerClient& manager) {
                     return ShowAudit(terminal, manager, *limit);
                   })
      .Takes({"--limit", "N", "So many of the last records [100]"}, *limit);
}

}  // namespace strata::cli
