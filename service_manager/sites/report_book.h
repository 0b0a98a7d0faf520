#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "service_manager/sites/rows.h"

namespace strata::manager::sites {

// Rows that are others now, for who has them as they were.
struct RowChanges {
  std::vector<SiteRow> rows = {};
  std::vector<std::pair<std::string, std::string>> gone = {};  // Site, scope.
  std::vector<ScopeRow> scopes = {};

  bool empty() const { return rows.empty() && gone.empty() && scopes.empty(); }
};

// Scopes by site.
using ScopesOfSites = std::map<std::string, std::set<std::string, std::less<>>>;

// Whether a site is for a scope.
using MayHoldAt = std::function<bool(const std::string& scope)>;

// How an entry of a purge log has ended at a scope, so far.
struct ScopeOutcome {
  enum class Kind : uint8_t { kConfirmed, kWaits, kFailed, kUnreachable };

  std::string scope;
  Kind kind = Kind::kWaits;
  uint32_t engines = 0;
  uint32_t confirmed = 0;
  std::string problem = {};            // Of the scope as a whole.
  std::vector<EngineRow> others = {};  // Engines that did not confirm, as far as they are named.
};

// Who has which version of each site, and how far the purge logs are applied: of the own scope, and
// of all beneath, as the children tell it. What is not of the own home is told on to the parent.
// Pure; one thread.
class ReportBook {
 public:
  explicit ReportBook(std::string own) : own_(std::move(own)) {}

  // ---- The own scope. What it has of a site, and whom beneath it tells of it.
  void SetOwn(SiteRow row, MayHoldAt may_hold);
  void RemoveOwn(const std::string& site);

  // ---- Children, by their scopes.
  // One that is known from before, and was not heard since.
  void Know(const std::string& child, uint32_t level);
  // Its stream has begun: it tells all anew. It, and all beneath it, have caught up when they have
  // applied the logs as they are here now.
  void Connected(const std::string& child, uint32_t level);
  void Lost(const std::string& child);
  void Forget(const std::string& child);  // It is no child any more.
  // What it tells. PermissionDenied: of a scope outside of its own; ResourceExhausted: too much.
  // What came before in the same call stays.
  Status Take(const std::string& child, const RowChanges& told);

  // ---- The parent.
  void TellAnew();  // It is a new stream.
  // At most about `max` of what it has not been told, taken for told.
  RowChanges TakeChanges(size_t max);
  bool has_changes() const { return !dirty_rows_.empty() || !dirty_scopes_.empty(); }

  // ---- Questions.
  std::vector<SiteRow> RowsOf(const std::string& site) const;  // By scope; the own one is first.
  std::vector<ScopeRow> scopes() const;                        // Beneath; by scope.
  // Whether clients may be sent to this scope beneath: it is heard, and has applied all that was
  // ordered while it was not.
  bool CaughtUp(const std::string& scope) const;
  // Sites whose purges a scope beneath has not all applied, and may not for long: it is not caught
  // up. Not a scope that was not heard since this book began, of which nothing is known.
  ScopesOfSites Unpurged() const;
  // Farms, and scopes where something is missing; by scope.
  std::vector<ScopeOutcome> OutcomeOf(const std::string& site, uint64_t position) const;

 private:
  using Key = std::pair<std::string, std::string>;  // Site, scope.

  struct Scope {
    ScopeRow told;                            // As the child says it, or known of the child itself.
    std::string child;                        // Through which it is known.
    std::map<std::string, SiteState> behind;  // By site: what it has not applied yet.
  };
  struct Child {
    bool connected = false;
    std::map<std::string, SiteState> goals;  // By site: as it was here when the stream began.
  };

  Scope& AddScope(const std::string& child, ScopeRow row);
  void RemoveScopesOf(const std::string& child, bool itself);
  void Put(SiteRow row);
  void Erase(const Key& key);
  // Whether its scope has to apply this before clients are sent there.
  bool Counts(const std::string& scope, const std::string& site, const SiteState& goal) const;
  bool IsRefusedAbove(const std::string& site, std::string scope) const;
  // Scopes for which it may count now, or not any more.
  void TouchBehind(const std::string& site);
  ScopeRow Effective(const Scope& scope) const;
  ScopeOutcome OutcomeAt(const Key& key, uint64_t position) const;

  const std::string own_;
  std::map<Key, SiteRow> rows_;
  std::map<std::string, MayHoldAt> may_hold_;  // By site; of those that are here.
  std::map<std::string, Scope> scopes_;        // Beneath.
  std::map<std::string, Child> children_;
  std::set<Key> dirty_rows_;
  std::set<std::string> dirty_scopes_;
};

}  // namespace strata::manager::sites
