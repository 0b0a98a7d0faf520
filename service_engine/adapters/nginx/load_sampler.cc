#include "service_engine/adapters/nginx/load_sampler.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/file.h"
#include "common/sockaddr.h"

namespace strata::engine {
namespace {

constexpr size_t kProcBytesMax = 1 << 20;
constexpr size_t kCpuFields = 8;  // user nice system idle iowait irq softirq steal.
constexpr size_t kIdle = 3;
constexpr size_t kIoWait = 4;
constexpr size_t kBytesOut = 8;  // Which number of a line of /proc/net/dev.

std::string ReadAll(const char* path) {
  const StatusOr<std::string> text = ReadFile(path, kProcBytesMax);
  return text.ok() ? *text : "";
}

std::string_view NextLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view NextWord(std::string_view& line) {
  const size_t start = std::min(line.find_first_not_of(" \t:"), line.size());
  const size_t end = std::min(line.find_first_of(" \t:", start), line.size());
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

uint64_t Number(std::string_view word) {
  uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

struct Interface {
  std::string name;
  IpAddress ip;
  bool loopback = false;
};

std::vector<Interface> Interfaces() {
  std::vector<Interface> interfaces;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return interfaces;
  for (const ifaddrs* it = list; it != nullptr; it = it->ifa_next) {
    if (it->ifa_addr == nullptr) continue;
    const std::optional<Endpoint> endpoint = ToEndpoint(it->ifa_addr, sizeof(sockaddr_storage));
    if (!endpoint) continue;
    interfaces.push_back({it->ifa_name, endpoint->ip, (it->ifa_flags & IFF_LOOPBACK) != 0});
  }
  freeifaddrs(list);
  return interfaces;
}

}  // namespace

void ParseCpu(std::string_view stat, uint64_t& busy, uint64_t& total) {
  busy = total = 0;
  while (!stat.empty()) {
    std::string_view line = NextLine(stat);
    if (NextWord(line) != "cpu") continue;
    for (size_t i = 0; i < kCpuFields; ++i) {
      const uint64_t ticks = Number(NextWord(line));
      total += ticks;
      if (i != kIdle && i != kIoWait) busy += ticks;
    }
    return;
  }
}

uint64_t ParseMemoryUsed(std::string_view meminfo) {
  constexpr uint64_t kKib = 1024;
  uint64_t all = 0;
  uint64_t available = 0;
  while (!meminfo.empty()) {
    std::string_view line = NextLine(meminfo);
    const std::string_view name = NextWord(line);
    if (name == "MemTotal") all = Number(NextWord(line));
    if (name == "MemAvailable") available = Number(NextWord(line));
  }
  return (all - std::min(all, available)) * kKib;
}

NetworkBytes ParseNetwork(std::string_view dev, const std::set<std::string>& interfaces) {
  NetworkBytes bytes;
  while (!dev.empty()) {
    std::string_view line = NextLine(dev);
    if (!interfaces.contains(std::string(NextWord(line)))) continue;
    bytes.in += Number(NextWord(line));
    for (size_t i = 1; i < kBytesOut; ++i) NextWord(line);
    bytes.out += Number(NextWord(line));
  }
  return bytes;
}

LoadSampler::LoadSampler(const std::vector<Endpoint>& serving, std::string folder)
    : folder_(std::move(folder)) {
  const auto serves = [&](const Interface& interface) {
    return std::any_of(serving.begin(), serving.end(), [&](const Endpoint& endpoint) {
      return endpoint.ip.IsUnspecified() || endpoint.ip == interface.ip;
    });
  };
  for (const Interface& interface : Interfaces()) {
    if (!interface.loopback && serves(interface)) interfaces_.insert(interface.name);
  }
}

LoadSample LoadSampler::Sample(Timestamp now, uint64_t log_bytes, uint32_t active) const {
  LoadSample sample;
  sample.at = now;
  sample.active_requests = active;
  ParseCpu(ReadAll("/proc/stat"), sample.cpu_busy, sample.cpu_total);
  sample.memory_used = ParseMemoryUsed(ReadAll("/proc/meminfo"));
  sample.bytes_out = log_bytes;
  if (!interfaces_.empty()) {
    const NetworkBytes bytes = ParseNetwork(ReadAll("/proc/net/dev"), interfaces_);
    sample.bytes_in = bytes.in;
    sample.bytes_out = bytes.out;
  }
  struct statvfs disk {};
  if (statvfs(folder_.c_str(), &disk) == 0) {
    sample.storage_used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize;
  }
  return sample;
}

}  // namespace strata::engine
