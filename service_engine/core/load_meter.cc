#include "service_engine/core/load_meter.h"

#include <algorithm>
#include <utility>

namespace strata::engine {
namespace {

uint64_t Growth(uint64_t before, uint64_t after) { return after > before ? after - before : 0; }

uint64_t BitsPerSecond(uint64_t before, uint64_t after, Duration time) {
  return static_cast<uint64_t>(static_cast<double>(Growth(before, after)) * 8 / Seconds(time));
}

}  // namespace

std::optional<farm::Load> LoadMeter::Take(const LoadSample& sample) {
  const std::optional<LoadSample> last = std::exchange(last_, sample);
  if (!last || sample.at <= last->at) return std::nullopt;
  const Duration time = sample.at - last->at;
  farm::Load load;
  load.sequence = ++sequence_;
  load.bandwidth_in = BitsPerSecond(last->bytes_in, sample.bytes_in, time);
  load.bandwidth_out = BitsPerSecond(last->bytes_out, sample.bytes_out, time);
  load.storage_used = sample.storage_used;
  load.memory_used = sample.memory_used;
  const uint64_t ticks = Growth(last->cpu_total, sample.cpu_total);
  const uint64_t busy = Growth(last->cpu_busy, sample.cpu_busy);
  load.cpu = ticks == 0 ? 0 : std::min(1.0, static_cast<double>(busy) / static_cast<double>(ticks));
  load.active_requests = sample.active_requests;
  for (const auto& [name, value] : sample.parameters) {
    if (load.parameters.size() == farm::kMaxParameters) break;
    if (name.empty() || name.size() > farm::kMaxParameterName) continue;
    load.parameters[name] = std::clamp(value, 0.0, 1e9);
  }
  return load;
}

}  // namespace strata::engine
