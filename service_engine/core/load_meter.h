#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/time.h"
#include "farm/engine.h"

namespace strata::engine {

// What the kernel and the server count at one instant. Counts only grow, until who counts starts
// anew.
struct LoadSample {
  Timestamp at;
  uint64_t bytes_in = 0;  // Of the serving interfaces.
  uint64_t bytes_out = 0;
  uint64_t cpu_busy = 0;  // Ticks of all cores.
  uint64_t cpu_total = 0;
  uint64_t storage_used = 0;
  uint64_t memory_used = 0;
  uint32_t active_requests = 0;
  std::map<std::string, double> parameters;
};

// Turns samples into load reports. Pure; one thread.
class LoadMeter {
 public:
  // The load between the last sample and this one, numbered from 1; nothing for the first. A count
  // that went back (a restart) is no load.
  std::optional<farm::Load> Take(const LoadSample& sample);
  // A new registration: numbers start anew.
  void Restart() { sequence_ = 0; }

 private:
  std::optional<LoadSample> last_;
  uint64_t sequence_ = 0;
};

}  // namespace strata::engine
