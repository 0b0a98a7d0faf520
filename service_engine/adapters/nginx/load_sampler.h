#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.h"
#include "common/status.h"
#include "common/time.h"
#include "service_engine/core/load_meter.h"

namespace strata::engine {

struct NetworkBytes {
  uint64_t in = 0;
  uint64_t out = 0;
};

// ---- What the kernel writes. Missing lines are zeros.
// /proc/stat: ticks of all cores since the start.
void ParseCpu(std::string_view stat, uint64_t& busy, uint64_t& total);
// /proc/meminfo: bytes that are not available.
uint64_t ParseMemoryUsed(std::string_view meminfo);
// /proc/net/dev: the sum over the interfaces of these names.
NetworkBytes ParseNetwork(std::string_view dev, const std::set<std::string>& interfaces);

// Samples the load of this machine: processor, memory, the interfaces that these addresses are on,
// and the disk of a folder. Where clients come over loopback only, nobody but nginx's log knows
// what was served. One thread.
class LoadSampler {
 public:
  LoadSampler(const std::vector<Endpoint>& serving, std::string folder);

  // `log_bytes`: sent by the log until now.
  LoadSample Sample(Timestamp now, uint64_t log_bytes, uint32_t active_requests) const;
  const std::set<std::string>& interfaces() const { return interfaces_; }

 private:
  const std::string folder_;
  std::set<std::string> interfaces_;  // Empty: loopback only.
};

}  // namespace strata::engine
