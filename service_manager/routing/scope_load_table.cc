#include "service_manager/routing/scope_load_table.h"

#include <algorithm>
#include <utility>

#include "common/tls/identity.h"
#include "service_manager/routing/limits.h"

namespace strata::manager::routing {
namespace {

Status CheckReport(const std::string& child, const LoadReport& report) {
  if (report.empty() || report.front().scope != child) {
    return InvalidArgument("a report of loads does not begin with its sender's scope, %s",
                           child.c_str());
  }
  for (const ScopeReport& scope : report) {
    if (!tls::ScopeCovers(child, scope.scope)) {
      return PermissionDenied("%s reports the load of %s, which is not beneath it", child.c_str(),
                              scope.scope.c_str());
    }
  }
  return Ok();
}

size_t LevelsOf(std::string_view scope) {
  return static_cast<size_t>(std::count(scope.begin(), scope.end(), '/'));
}

// Leaves out the lowest scopes, until no more than kScopesPerReportMax are left, and names of
// engines, until no more than kImpairedPerReportMax are.
void Limit(LoadReport& report) {
  for (size_t levels = tls::kScopeSegmentsMax; report.size() > kScopesPerReportMax; --levels) {
    size_t surplus = report.size() - kScopesPerReportMax;
    const auto left_out = [&](const ScopeReport& scope) {
      if (LevelsOf(scope.scope) != levels || surplus == 0) return false;
      --surplus;
      return true;
    };
    report.erase(std::remove_if(report.begin(), report.end(), std::ref(left_out)), report.end());
  }
  size_t impaired_left = kImpairedPerReportMax;
  for (ScopeReport& scope : report) {
    if (scope.impaired.size() > impaired_left) scope.impaired.resize(impaired_left);
    impaired_left -= scope.impaired.size();
  }
}

}  // namespace

Status ScopeLoadTable::Apply(const std::string& child, LoadReport report, Timestamp now) {
  STRATA_RETURN_IF_ERROR(CheckReport(child, report));
  for (const std::string& other : children_) {
    if (other == child) continue;
    if (tls::ScopeCovers(other, child) || tls::ScopeCovers(child, other)) {
      return PermissionDenied("%s reports its load, and so does %s: one covers the other",
                              child.c_str(), other.c_str());
    }
  }
  Forget(child);
  children_.insert(child);
  for (ScopeReport& scope : report) {
    entries_.insert_or_assign(std::move(scope.scope), Entry{.load = scope.load,
                                                            .measured = now - scope.age,
                                                            .impaired = std::move(scope.impaired)});
  }
  return Ok();
}

void ScopeLoadTable::Forget(const std::string& child) {
  children_.erase(child);
  entries_.erase(child);
  const auto beneath = entries_.lower_bound(child + '/');
  entries_.erase(beneath, entries_.lower_bound(child + static_cast<char>('/' + 1)));
}

ScopeReport ScopeLoadTable::Aggregate(const std::string& own, Duration stale_after,
                                      Timestamp now) const {
  std::vector<ScopeLoad> fresh;
  std::vector<ScopeLoad> stale;
  Duration oldest_fresh{};
  Duration youngest_stale = Duration::max();
  for (const std::string& child : children_) {
    const Entry& entry = entries_.find(child)->second;
    const Duration age = now - entry.measured;
    if (age <= stale_after) {
      fresh.push_back(entry.load);
      oldest_fresh = std::max(oldest_fresh, age);
    } else {
      stale.push_back(entry.load);
      youngest_stale = std::min(youngest_stale, age);
    }
  }
  const bool only_stale = fresh.empty() && !stale.empty();
  return {.scope = own,
          .age = only_stale ? youngest_stale : oldest_fresh,
          .load = Merged(only_stale ? stale : fresh),
          .impaired = {}};
}

LoadReport ScopeLoadTable::Report(const std::string& own, Duration stale_after,
                                  Timestamp now) const {
  LoadReport report = {Aggregate(own, stale_after, now)};
  for (const auto& [scope, entry] : entries_) {
    report.push_back({.scope = scope,
                      .age = now - entry.measured,
                      .load = entry.load,
                      .impaired = entry.impaired});
  }
  Limit(report);
  return report;
}

}  // namespace strata::manager::routing
