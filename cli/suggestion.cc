#include "cli/suggestion.h"

#include <vector>

#include "common/near_miss.h"

namespace strata::cli {

Status WithNameMeant(const std::string& word, const std::vector<std::string>& names,
                     const Status& status) {
  const std::string meant(NearMiss(word, names));
  // Something else was not found if the name itself is right.
  if (meant.empty() || meant == word) return status;
  return MakeStatus(status.code(), MessageOf(status) + "; did you mean \"" + meant + "\"?");
}

Status WithEngineMeant(ManagerClient& manager, const std::string& engine, const Status& status) {
  if (status.code() != StatusCode::kNotFound) return status;
  const StatusOr<api::ShowFarmReply> farm = manager.ShowFarm();
  if (!farm.ok()) return status;
  std::vector<std::string> names;
  for (const api::EngineRow& row : farm->engines()) names.push_back(row.name());
  return WithNameMeant(engine, names, status);
}

Status WithSiteMeant(ManagerClient& manager, const std::string& site, const Status& status) {
  if (status.code() != StatusCode::kNotFound) return status;
  const StatusOr<api::ListSitesReply> sites = manager.ListSites();
  if (!sites.ok()) return status;
  std::vector<std::string> names;
  for (const api::SiteSummary& summary : sites->sites()) names.push_back(summary.name());
  return WithNameMeant(site, names, status);
}

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

Colour ColourOfStatus(const std::string& status) {
  if (status == "up") return Colour::kGreen;
  if (status == "degraded" || status == "stale") return Colour::kYellow;
  if (status == "draining") return Colour::kCyan;
  return status == "down" ? Colour::kRed : Colour::kNone;
}

}  // namespace strata::cli
