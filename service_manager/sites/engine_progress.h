#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "farm/engine.h"
#include "service_manager/sites/rows.h"

namespace strata::manager::sites {

// How far the engines of one farm are with each site: by what they say in the group, and when they
// register or renew. Pure; one thread.
class EngineProgress {
 public:
  struct Engine {
    farm::EngineId id;
    std::string name;
    bool away = false;
    bool closed = false;  // As EngineRow's.

    friend bool operator==(const Engine&, const Engine&) = default;
  };

  // Those that are registered now; what is known of others goes.
  void SetEngines(std::vector<Engine> engines);
  // It has applied the log up to there; or could not apply that entry, with the reason.
  void OnPurged(farm::EngineId engine, const std::string& site, uint64_t position,
                const std::string& problem);
  // It serves by this version; or could not, with the reason.
  void OnSite(farm::EngineId engine, const std::string& site, uint64_t version,
              const std::string& problem);
  // It has been in the group for a while, and says nothing of this site: it serves by this version
  // and has applied the log up to there, or it would have said so, or would not serve. Nothing if
  // it has said something.
  void Assume(farm::EngineId engine, const std::string& site, uint64_t version, uint64_t position);
  // The site is gone: one of that name is another.
  void OnRemoved(const std::string& site);

  // What the row says of engines, of its site by its state.
  void Fill(SiteRow& row) const;

 private:
  struct Known {
    uint64_t version = 0;
    uint64_t refused = 0;  // Version.
    uint64_t applied = 0;
    uint64_t failed_at = 0;
    std::string site_problem = {}, purge_problem = {};
  };

  std::vector<Engine> engines_;
  std::map<std::string, std::map<farm::EngineId, Known>> known_;  // By site.
};

}  // namespace strata::manager::sites
