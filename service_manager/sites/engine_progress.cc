#include "service_manager/sites/engine_progress.h"

#include <algorithm>
#include <utility>

#include "service_manager/sites/limits.h"

namespace strata::manager::sites {
namespace {

std::string Short(const std::string& problem) { return problem.substr(0, kProblemBytesMax); }

}  // namespace

void EngineProgress::SetEngines(std::vector<Engine> engines) {
  engines_ = std::move(engines);
  std::sort(engines_.begin(), engines_.end(),
            [](const Engine& a, const Engine& b) { return a.name < b.name; });
  for (auto& [_, known] : known_) {
    std::erase_if(known, [this](const auto& entry) {
      return std::none_of(engines_.begin(), engines_.end(),
                          [&entry](const Engine& engine) { return engine.id == entry.first; });
    });
  }
}

void EngineProgress::OnPurged(farm::EngineId engine, const std::string& site, uint64_t position,
                              const std::string& problem) {
  Known& known = known_[site][engine];
  if (!problem.empty()) {
    if (position <= known.applied) return;
    known.failed_at = std::max(known.failed_at, position);
    known.purge_problem = Short(problem);
    return;
  }
  known.applied = std::max(known.applied, position);
  if (known.applied < known.failed_at) return;
  known.failed_at = 0;
  known.purge_problem.clear();
}

void EngineProgress::OnSite(farm::EngineId engine, const std::string& site, uint64_t version,
                            const std::string& problem) {
  Known& known = known_[site][engine];
  if (problem.empty()) known.version = version;
  known.refused = problem.empty() ? 0 : version;
  known.site_problem = Short(problem);
}

void EngineProgress::Assume(farm::EngineId engine, const std::string& site, uint64_t version,
                            uint64_t position) {
  const auto [known, is_new] = known_[site].try_emplace(engine);
  if (is_new) known->second = {.version = version, .applied = position};
}

void EngineProgress::OnRemoved(const std::string& site) { known_.erase(site); }

void EngineProgress::Fill(SiteRow& row) const {
  row.engines = static_cast<uint32_t>(engines_.size());
  row.serving = row.applied = 0;
  row.all_up_to = row.state.position;
  row.behind.clear();
  const auto site = known_.find(row.site);
  for (const Engine& engine : engines_) {
    Known known;
    if (site != known_.end()) {
      const auto it = site->second.find(engine.id);
      if (it != site->second.end()) known = it->second;
    }
    const bool serves = known.version == row.state.version;
    const bool applied = known.applied >= row.state.position;
    row.serving += serves ? 1 : 0;
    row.applied += applied ? 1 : 0;
    if (!applied && !engine.away) row.all_up_to = std::min(row.all_up_to, known.applied);
    if ((serves && applied) || row.behind.size() >= kEnginesNamedMax) continue;
    EngineRow behind{.name = engine.name,
                     .away = engine.away,
                     .closed = engine.closed,
                     .version = known.version,
                     .applied = known.applied};
    if (!applied && known.failed_at != 0) {
      behind.problem_at = known.failed_at;
      behind.problem = known.purge_problem;
    } else if (!serves && known.refused == row.state.version) {
      behind.problem = known.site_problem;
    }
    row.behind.push_back(std::move(behind));
  }
}

}  // namespace strata::manager::sites
