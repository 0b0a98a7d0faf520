#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::simulation {

// What campaigns over many seeds have in common, whatever a seed is about.

struct CampaignOptions {
  uint64_t first_seed = 0;
  uint64_t seeds = 100;
  int jobs = 1;
  bool stop_at_first_failure = false;
  std::function<void()> before;                 // In each worker process, first.
  std::function<void(uint64_t done)> progress;  // After each seed.
};

struct SeedFailure {
  uint64_t seed = 0;
  std::string checker;  // "crash" if the process died, "hang" if it did not end.
  std::string what;
};

// What to do with a seed.
struct SeedWork {
  // In a worker process: runs it, and tells of it in one line (ends of lines within are blanks).
  std::function<std::string(uint64_t seed)> run;
  // In the process that asked, for each such line. True: the seed failed.
  std::function<bool(const std::string& line)> told;
};

// Runs many seeds in worker processes, so that a seed that crashes or hangs is one failure and not
// the end. Gives back the seeds whose process died or hung.
std::vector<SeedFailure> RunSeeds(const CampaignOptions& options, const SeedWork& work);

// Named events and how often each was seen, a line each; `least` marks those seen less often.
std::string CountsTable(std::span<const uint64_t> counts, std::string_view (*name)(size_t event),
                        uint64_t least);

}  // namespace strata::simulation
