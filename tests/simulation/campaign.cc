#include "tests/simulation/campaign.h"

#include <algorithm>
#include <sstream>

#include "tests/simulation/simulation.h"

namespace strata::simulation {

namespace {

// One line about one seed, and back. A failure's text comes last, up to the end of the line.
std::string ToLine(const RunResult& result) {
  std::ostringstream out;
  out << result.seed << ' ' << result.commits << ' ' << result.turns;
  for (uint64_t count : result.events) out << ' ' << count;
  out << ' ' << result.economy.gaps << ' ' << result.economy.requests << ' '
      << result.economy.lost_bytes << ' ' << result.economy.repair_bytes;
  if (!result.failures.empty()) {
    out << ' ' << result.failures.front().checker << ' ' << result.failures.front().what;
  }
  return out.str();
}

// True if the seed failed.
bool AddLine(const std::string& line, CampaignResult& result) {
  std::istringstream in(line);
  uint64_t seed = 0;
  uint64_t commits = 0;
  uint64_t turns = 0;
  in >> seed >> commits >> turns;
  result.commits += commits;
  result.turns += turns;
  for (uint64_t& total : result.events) {
    uint64_t count = 0;
    in >> count;
    total += count;
  }
  Economy economy;
  in >> economy.gaps >> economy.requests >> economy.lost_bytes >> economy.repair_bytes;
  result.economy += economy;
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
  result.clean = result.run - result.failures.size();
  std::sort(result.failures.begin(), result.failures.end(),
            [](const SeedFailure& a, const SeedFailure& b) { return a.seed < b.seed; });
  return result;
}

std::string EventsTable(const EventCounts& events, uint64_t least) {
  return CountsTable(
      events, [](size_t event) { return ToString(static_cast<Event>(event)); }, least);
}

std::string ReplayCommand(uint64_t seed) {
  return "bazel run //tests/simulation:simulate -- --seed " + std::to_string(seed) + " --trace";
}

}  // namespace strata::simulation
