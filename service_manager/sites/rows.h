#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What is known of a site at one scope, and of the scope itself: what children acknowledge, and
// operators read. docs/protocols/site_flow.md, 3.
namespace strata::manager::sites {

// A site as the log and the versions of its home have it.
struct SiteState {
  std::string home;       // Where it was applied.
  uint64_t version = 0;   // 0: there is none.
  uint64_t position = 0;  // Of the last entry of its purge log.

  friend bool operator==(const SiteState&, const SiteState&) = default;
};

// An engine that does not serve by the site's version, or has not applied its whole purge log.
struct EngineRow {
  std::string name;
  bool away = false;         // Not in its farm's group: it catches up before it serves.
  bool closed = false;       // Away for so long that it certainly serves nothing.
  uint64_t version = 0;      // That it serves by; 0: not known.
  uint64_t applied = 0;      // Position in the purge log, at least.
  uint64_t problem_at = 0;   // What it could not do: this entry of the log; 0: the site's version.
  std::string problem = {};  // Empty: it is only late.

  friend bool operator==(const EngineRow&, const EngineRow&) = default;
};

// A site at a scope.
struct SiteRow {
  std::string site = {}, scope = {};
  SiteState state = {};                // On the disk of the manager that leads there.
  std::string problem = {};            // Why this manager does not take what comes from above.
  uint32_t engines = 0;                // Of this farm; none above level 1.
  uint32_t serving = 0;                // Of these, those that serve by this version,
  uint32_t applied = 0;                // and those that have applied the whole log.
  uint64_t all_up_to = 0;              // Position that every engine in the group has applied.
  std::vector<EngineRow> behind = {};  // The other engines, by name; at most kEnginesNamedMax.

  friend bool operator==(const SiteRow&, const SiteRow&) = default;
};

// A scope beneath.
struct ScopeRow {
  std::string scope;
  uint32_t level = 0;
  bool heard = false;      // A manager of it follows its parent at the moment.
  bool caught_up = false;  // It has applied all logs as they were when it came.

  friend bool operator==(const ScopeRow&, const ScopeRow&) = default;
};

}  // namespace strata::manager::sites
