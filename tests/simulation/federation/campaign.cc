#include "tests/simulation/federation/campaign.h"

#include <algorithm>
#include <sstream>

#include "tests/simulation/federation/world.h"

namespace strata::simulation::federation {

namespace {

// One line about one seed, and back. A failure's text comes last, up to the end of the line.
std::string ToLine(const RunResult& result) {
  std::ostringstream out;
  out << result.seed << ' ' << result.told << ' ' << result.turns;
  for (const uint64_t count : result.events) out << ' ' << count;
  if (!result.failures.empty()) {
    out << ' ' << result.failures.front().checker << ' ' << result.failures.front().what;
  }
  return out.str();
}

// True if the seed failed.
bool AddLine(const std::string& line, CampaignResult& result) {
  std::istringstream in(line);
  uint64_t seed = 0;
  uint64_t told = 0;
  uint64_t turns = 0;
  in >> seed >> told >> turns;
  result.told += told;
  result.turns += turns;
  for (uint64_t& total : result.events) {
    uint64_t count = 0;
    in >> count;
    total += count;
  }
  ++result.run;
  std::string checker;
  if (!(in >> checker)) return false;
  std::string what;
  std::getline(in, what);
  result.failures.push_back({seed, checker, what});
  return true;
}

}  // namespace

CampaignResult RunCampaign(const CampaignOptions& options) {
  CampaignResult result;
  const auto died = RunSeeds(
      options, {.run = [](uint64_t seed) { return ToLine(RunSeed(seed)); },
                .told = [&result](const std::string& line) { return AddLine(line, result); }});
  result.run += died.size();
  result.failures.insert(result.failures.end(), died.begin(), died.end());
  std::sort(result.failures.begin(), result.failures.end(),
            [](const SeedFailure& a, const SeedFailure& b) { return a.seed < b.seed; });
  return result;
}

std::string ReplayCommand(uint64_t seed) {
  return "bazel run //tests/simulation/federation:simulate -- --seed " + std::to_string(seed) +
         " --trace";
}

}  // namespace strata::simulation::federation
