#include <benchmark/benchmark.h>

#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "service_manager/routing/region_map.h"

// A map of a million prefixes, two thirds of them IPv4: how long its text takes to read, and a
// client's address to find.

namespace strata::manager::routing {
namespace {

constexpr size_t kPrefixes = 1'000'000;

IpAddress Drawn(SeededRandom& random, bool v6) {
  const uint64_t bits = random.Next();
  const auto byte = [bits](int i) { return static_cast<uint8_t>(bits >> (8 * i)); };
  return v6 ? IpAddress::V6({0x20, byte(0), byte(1), byte(2), byte(3), byte(4)})
            : IpAddress::V4(byte(0), byte(1), byte(2), byte(3));
}

std::string Text() {
  SeededRandom random(1);
  std::set<std::string> prefixes;
  while (prefixes.size() < kPrefixes) {
    if (random.Chance(1.0 / 3)) {
      prefixes.insert(ToString(Drawn(random, true)) + "/48");
    } else {
      const IpAddress ip = Drawn(random, false);
      const IpAddress network = IpAddress::V4(ip.bytes()[0], ip.bytes()[1], ip.bytes()[2], 0);
      prefixes.insert(ToString(network) + "/24");
    }
  }
  std::string text;
  size_t region = 0;
  for (const std::string& prefix : prefixes) {
    text += prefix + " region-" + std::to_string(++region % 200) + "\n";
  }
  return text;
}

void Parse(benchmark::State& state) {
  const std::string text = Text();
  for (auto _ : state) benchmark::DoNotOptimize(RegionMap::Parse(text).ok());
}
BENCHMARK(Parse)->Unit(benchmark::kMillisecond);

void Find(benchmark::State& state) {
  const auto map = *RegionMap::Parse(Text());
  SeededRandom random(2);
  std::vector<IpAddress> clients;
  for (int i = 0; i < 100'000; ++i) clients.push_back(Drawn(random, state.range(0) == 6));
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(map->RegionOf(clients[next]));
    next = next + 1 == clients.size() ? 0 : next + 1;
  }
}
BENCHMARK(Find)->Arg(4)->Arg(6);

}  // namespace
}  // namespace strata::manager::routing
