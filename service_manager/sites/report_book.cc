#include "service_manager/sites/report_book.h"

#include <algorithm>
#include <optional>

#include "common/tls/identity.h"
#include "service_manager/sites/limits.h"

namespace strata::manager::sites {
namespace {

using Kind = ScopeOutcome::Kind;

constexpr uint32_t kFarmLevel = 1;

bool IsRefused(const SiteRow& row) { return !row.problem.empty() && row.state.version == 0; }

// How an entry has ended at an engine that has not applied it.
Kind KindAt(const EngineRow& engine, uint64_t position) {
  if (engine.away) return engine.closed ? Kind::kUnreachable : Kind::kWaits;
  return !engine.problem.empty() && engine.problem_at >= position ? Kind::kFailed : Kind::kWaits;
}

// What of several decides: somebody to wait for, then what failed.
Kind Worse(Kind a, Kind b) {
  const auto rank = [](Kind kind) {
    switch (kind) {
      case Kind::kWaits:
        return 3;
      case Kind::kFailed:
        return 2;
      case Kind::kUnreachable:
        return 1;
      case Kind::kConfirmed:
        return 0;
    }
    return 0;
  };
  return rank(a) >= rank(b) ? a : b;
}

}  // namespace

// ---- The own scope.

void ReportBook::SetOwn(SiteRow row, MayHoldAt may_hold) {
  row.scope = own_;
  may_hold_[row.site] = std::move(may_hold);
  TouchBehind(row.site);
  Put(std::move(row));
}

void ReportBook::RemoveOwn(const std::string& site) {
  may_hold_.erase(site);
  TouchBehind(site);
  Erase({site, own_});
}

void ReportBook::TouchBehind(const std::string& site) {
  for (const auto& [name, scope] : scopes_) {
    if (scope.behind.contains(site)) dirty_scopes_.insert(name);
  }
}

void ReportBook::Put(SiteRow row) {
  const Key key{row.site, row.scope};
  SiteRow& there = rows_[key];
  if (there == row) return;
  // Sites of this home, or of one beneath, are nothing to the parent.
  if (row.state.home != own_ || (there.state.home != own_ && !there.site.empty())) {
    dirty_rows_.insert(key);
  }
  there = std::move(row);
}

void ReportBook::Erase(const Key& key) {
  const auto it = rows_.find(key);
  if (it == rows_.end()) return;
  if (it->second.state.home != own_) dirty_rows_.insert(key);
  rows_.erase(it);
}

// ---- Children.

ReportBook::Scope& ReportBook::AddScope(const std::string& child, ScopeRow row) {
  dirty_scopes_.insert(row.scope);
  const auto [it, is_new] = scopes_.try_emplace(row.scope);
  Scope& scope = it->second;
  scope.told = std::move(row);
  scope.child = child;
  if (is_new) scope.behind = children_[child].goals;
  return scope;
}

void ReportBook::Know(const std::string& child, uint32_t level) {
  if (children_.contains(child)) return;
  children_[child];
  AddScope(child, {.scope = child, .level = level});
}

void ReportBook::Connected(const std::string& child, uint32_t level) {
  RemoveScopesOf(child, true);
  Child& entry = children_[child];
  entry = {.connected = true, .goals = {}};
  for (const auto& [site, _] : may_hold_) {
    const SiteState& state = rows_.at({site, own_}).state;
    if (state.position != 0) entry.goals[site] = state;
  }
  AddScope(child, {.scope = child, .level = level, .heard = true, .caught_up = true});
}

void ReportBook::Lost(const std::string& child) {
  const auto it = children_.find(child);
  if (it == children_.end()) return;
  it->second = {};
  for (auto& [scope, row] : scopes_) {
    if (row.child == child) dirty_scopes_.insert(scope);
  }
}

void ReportBook::Forget(const std::string& child) {
  RemoveScopesOf(child, true);
  children_.erase(child);
}

void ReportBook::RemoveScopesOf(const std::string& child, bool itself) {
  for (auto it = scopes_.begin(); it != scopes_.end();) {
    if (it->second.child != child || (!itself && it->first == child)) {
      ++it;
      continue;
    }
    dirty_scopes_.insert(it->first);
    it = scopes_.erase(it);
  }
  std::vector<Key> gone;
  for (const auto& [key, _] : rows_) {
    if (key.second != own_ && tls::ScopeCovers(child, key.second)) gone.push_back(key);
  }
  for (const Key& key : gone) Erase(key);
}

Status ReportBook::Take(const std::string& child, const RowChanges& told) {
  const auto outside = [&child](const std::string& scope) {
    return PermissionDenied("%s speaks of %s, which does not lie in it", child.c_str(),
                            scope.c_str());
  };
  for (const ScopeRow& row : told.scopes) {
    if (row.scope == child || !tls::ScopeCovers(child, row.scope)) return outside(row.scope);
    if (row.level == 0) {  // It is none any more.
      const auto it = scopes_.find(row.scope);
      if (it != scopes_.end() && it->second.child == child) scopes_.erase(it);
      dirty_scopes_.insert(row.scope);
      continue;
    }
    if (scopes_.size() >= kScopesMax && !scopes_.contains(row.scope)) {
      return ResourceExhausted("more than %zu scopes are beneath", kScopesMax);
    }
    AddScope(child, row);
  }
  for (const SiteRow& row : told.rows) {
    const auto scope = scopes_.find(row.scope);
    if (!tls::ScopeCovers(child, row.scope)) return outside(row.scope);
    if (scope == scopes_.end()) continue;  // It went meanwhile.
    if (rows_.size() >= kRowsMax && !rows_.contains({row.site, row.scope})) {
      return ResourceExhausted("more than %zu rows", kRowsMax);
    }
    const auto behind = scope->second.behind.find(row.site);
    if (behind != scope->second.behind.end() && behind->second.home == row.state.home &&
        row.all_up_to >= behind->second.position) {
      scope->second.behind.erase(behind);
      dirty_scopes_.insert(row.scope);
    }
    if (IsRefused(row)) TouchBehind(row.site);
    Put(row);
  }
  for (const Key& key : told.gone) {
    if (!tls::ScopeCovers(child, key.second)) return outside(key.second);
    Erase(key);
  }
  return Ok();
}

bool ReportBook::Counts(const std::string& scope, const std::string& site,
                        const SiteState& goal) const {
  const auto may_hold = may_hold_.find(site);
  if (may_hold == may_hold_.end() || !may_hold->second(scope)) return false;
  // What is another site by now has its own numbers, and what is refused is not served.
  return rows_.at({site, own_}).state.home == goal.home && !IsRefusedAbove(site, scope);
}

bool ReportBook::IsRefusedAbove(const std::string& site, std::string scope) const {
  while (true) {
    const auto row = rows_.find({site, scope});
    if (row != rows_.end() && IsRefused(row->second)) return true;
    const size_t slash = scope.rfind('/');
    if (slash == std::string::npos) return false;
    scope.resize(slash);
  }
}

// ---- The parent.

void ReportBook::TellAnew() {
  dirty_rows_.clear();
  dirty_scopes_.clear();
  for (const auto& [key, row] : rows_) {
    if (row.state.home != own_) dirty_rows_.insert(key);
  }
  for (const auto& [scope, _] : scopes_) dirty_scopes_.insert(scope);
}

RowChanges ReportBook::TakeChanges(size_t max) {
  RowChanges changes;
  while (!dirty_scopes_.empty() && changes.scopes.size() < max) {
    const std::string name = *dirty_scopes_.begin();
    dirty_scopes_.erase(dirty_scopes_.begin());
    const auto scope = scopes_.find(name);
    changes.scopes.push_back(scope == scopes_.end() ? ScopeRow{.scope = name}
                                                    : Effective(scope->second));
  }
  // A row of a scope that the parent does not know is nothing to it.
  if (!dirty_scopes_.empty()) return changes;
  while (!dirty_rows_.empty() && changes.rows.size() + changes.gone.size() < max) {
    const Key key = *dirty_rows_.begin();
    dirty_rows_.erase(dirty_rows_.begin());
    const auto row = rows_.find(key);
    if (row != rows_.end() && row->second.state.home != own_) {
      changes.rows.push_back(row->second);
    } else {
      changes.gone.push_back(key);
    }
  }
  return changes;
}

// ---- Questions.

ScopeRow ReportBook::Effective(const Scope& scope) const {
  ScopeRow row = scope.told;
  const bool connected = children_.at(scope.child).connected;
  row.heard = row.heard && connected;
  row.caught_up = row.caught_up && row.heard &&
                  std::none_of(scope.behind.begin(), scope.behind.end(), [&](const auto& behind) {
                    return Counts(row.scope, behind.first, behind.second);
                  });
  return row;
}

std::vector<SiteRow> ReportBook::RowsOf(const std::string& site) const {
  std::vector<SiteRow> rows;
  const auto own = rows_.find({site, own_});
  if (own != rows_.end()) rows.push_back(own->second);
  for (auto it = rows_.lower_bound({site, ""}); it != rows_.end() && it->first.first == site;
       ++it) {
    if (it != own) rows.push_back(it->second);
  }
  return rows;
}

std::vector<ScopeRow> ReportBook::scopes() const {
  std::vector<ScopeRow> all;
  for (const auto& [_, scope] : scopes_) all.push_back(Effective(scope));
  return all;
}

bool ReportBook::CaughtUp(const std::string& scope) const {
  const auto it = scopes_.find(scope);
  return it != scopes_.end() && Effective(it->second).caught_up;
}

ScopesOfSites ReportBook::Unpurged() const {
  ScopesOfSites unpurged;
  for (const auto& [name, scope] : scopes_) {
    const ScopeRow now = Effective(scope);
    if (now.caught_up) continue;
    for (const auto& [site, _] : may_hold_) {
      const SiteState& state = rows_.at({site, own_}).state;
      if (state.position == 0 || !Counts(name, site, state)) continue;
      if (!now.heard && !rows_.contains({site, name})) continue;
      if (OutcomeAt({site, name}, state.position).kind == Kind::kConfirmed) continue;
      unpurged[site].insert(name);
    }
  }
  return unpurged;
}

std::vector<ScopeOutcome> ReportBook::OutcomeOf(const std::string& site, uint64_t position) const {
  std::vector<ScopeOutcome> outcomes;
  const auto may_hold = may_hold_.find(site);
  if (may_hold == may_hold_.end()) return outcomes;
  if (const auto own = rows_.find({site, own_}); own != rows_.end() && own->second.engines != 0) {
    outcomes.push_back(OutcomeAt(own->first, position));
  }
  for (const auto& [name, scope] : scopes_) {
    if (!may_hold->second(name)) continue;
    ScopeOutcome outcome = OutcomeAt({site, name}, position);
    if (!Effective(scope).heard && outcome.kind != Kind::kConfirmed) {
      outcome.kind = Kind::kUnreachable;
      outcome.problem = "not in reach: it applies the log before it is sent clients again";
    }
    if (scope.told.level != kFarmLevel && outcome.kind == Kind::kConfirmed) continue;
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

ScopeOutcome ReportBook::OutcomeAt(const Key& key, uint64_t position) const {
  ScopeOutcome outcome{.scope = key.second};
  const auto it = rows_.find(key);
  if (it == rows_.end()) return outcome;
  const SiteRow& row = it->second;
  outcome.engines = row.engines;
  if (IsRefused(row)) {
    outcome.kind = Kind::kFailed;
    outcome.problem = row.problem;
    return outcome;
  }
  if (row.state.position < position) {
    outcome.problem = row.problem;
    return outcome;
  }
  outcome.kind = Kind::kConfirmed;
  for (const EngineRow& engine : row.behind) {
    if (engine.applied >= position) continue;
    outcome.kind = Worse(outcome.kind, KindAt(engine, position));
    outcome.others.push_back(engine);
  }
  // Of more engines than are named nobody knows who it is.
  if (row.all_up_to < position && outcome.others.empty()) outcome.kind = Kind::kWaits;
  const size_t others = std::max<size_t>(outcome.others.size(),
                                         row.all_up_to < position ? row.engines - row.applied : 0);
  outcome.confirmed = row.engines - static_cast<uint32_t>(std::min<size_t>(others, row.engines));
  return outcome;
}

}  // namespace strata::manager::sites
