#include <benchmark/benchmark.h>

#include <algorithm>
#include <queue>
#include <string>
#include <vector>

#include "common/random.h"
#include "farm/director.h"
#include "farm/test_farm.h"

// How evenly directors spread requests when all of them see the same table until the next report:
// eight engines that hold one popular content, good for 8,000 streams of 1 Mbit/s together, which
// last 5 s on average; 60 % of that is asked for; a report a second. Once with equal engines, once
// with four that are four times as large as the others. The counters are what matters: the highest
// load factor that any engine had (`peak`), and the mean of the highest at each report
// (`mean_peak`). 0.6 would be perfect.

namespace strata::farm {
namespace {

using testing::KeyOfTitle;
using testing::TestFarm;

constexpr uint32_t kEngines = 8;
constexpr uint64_t kStreamBits = 1'000'000;
constexpr double kStreams = 8000;
constexpr double kMeanSeconds = 5;
constexpr double kAsked = 0.6;
constexpr int kSeconds = 120;
constexpr int kWarmUp = 20;

enum class Choice { kLeastLoaded, kAnyNearEqual, kTwoChoices, kFreeCapacity };

// What the director does (kFreeCapacity), and what it might do instead.
EngineId Choose(Choice choice, double near_equal, const Director& director, SeededRandom& random,
                Timestamp now) {
  const auto holders = director.Holders(KeyOfTitle("Popular"), random.Next(), now);
  if (choice == Choice::kFreeCapacity || choice == Choice::kLeastLoaded) return holders[0].engine;
  // Those whose load factor is near the least; the director's setting has ranked them.
  size_t near = 0;
  while (near < holders.size() &&
         holders[near].load_factor <= holders[0].load_factor + near_equal) {
    ++near;
  }
  const uint64_t one = random.Below(near);
  if (choice == Choice::kAnyNearEqual) return holders[one].engine;
  return holders[std::min(one, random.Below(near))].engine;
}

class Farm {
 public:
  explicit Farm(bool equal) {
    for (uint32_t i = 0; i < kEngines; ++i) {
      const double share = equal ? 1.0 : (i % 2 == 0 ? 1.6 : 0.4);
      capacity_.push_back(kStreams / kEngines * share);
      const EngineId id(i + 1);
      EngineInfo engine = testing::Engine(id, "e" + std::to_string(i));
      engine.capacity.bandwidth_out = static_cast<uint64_t>(capacity_.back()) * kStreamBits;
      farm_.Apply(EngineRegistered{engine, 1});
      farm_.Add(id, "Popular");
    }
  }

  // One second of requests; the highest load factor at its end.
  double Second(Choice choice, double near_equal) {
    Report();
    DirectorSettings settings;
    settings.spread = choice == Choice::kFreeCapacity;
    settings.weights = {.bandwidth_out = 1,
                        .bandwidth_in = 0,
                        .cpu = 0,
                        .memory = 0,
                        .storage = 0,
                        .parameters = {}};
    const Director director(farm_.table(), settings);
    const auto requests = static_cast<int>(kStreams * kAsked / kMeanSeconds);
    for (int i = 0; i < requests; ++i) {
      const double at = second_ + static_cast<double>(i) / requests;
      End(at);
      const EngineId engine = Choose(choice, near_equal, director, random_, now_);
      ++streams_[engine.value() - 1];
      // Between half and three halves of the mean.
      ends_.push({at + kMeanSeconds * (0.5 + random_.Unit()), engine.value() - 1});
    }
    ++second_;
    End(second_);
    double highest = 0;
    for (uint32_t i = 0; i < kEngines; ++i) {
      highest = std::max(highest, streams_[i] / capacity_[i]);
    }
    return highest;
  }

 private:
  struct StreamEnd {
    double at;
    uint32_t engine;
    bool operator>(const StreamEnd& other) const { return at > other.at; }
  };

  void Report() {
    now_ += std::chrono::seconds(1);
    for (uint32_t i = 0; i < kEngines; ++i) {
      Load load;
      load.sequence = ++sequence_;
      load.bandwidth_out = static_cast<uint64_t>(streams_[i]) * kStreamBits;
      farm_.Report(EngineId(i + 1), load, now_);
    }
  }
  void End(double now) {
    while (!ends_.empty() && ends_.top().at <= now) {
      --streams_[ends_.top().engine];
      ends_.pop();
    }
  }

  TestFarm farm_;
  SeededRandom random_{42};
  Timestamp now_ = testing::kStart;
  uint64_t sequence_ = 0;
  double second_ = 0;
  std::vector<double> capacity_;
  std::vector<double> streams_ = std::vector<double>(kEngines);
  std::priority_queue<StreamEnd, std::vector<StreamEnd>, std::greater<>> ends_;
};

void Spread(benchmark::State& state, Choice choice, double near_equal, bool equal) {
  double peak = 0;
  double sum = 0;
  for (auto _ : state) {
    Farm farm(equal);
    peak = sum = 0;
    for (int second = 0; second < kSeconds; ++second) {
      const double highest = farm.Second(choice, near_equal);
      if (second < kWarmUp) continue;
      peak = std::max(peak, highest);
      sum += highest;
    }
  }
  state.counters["peak"] = peak;
  state.counters["mean_peak"] = sum / (kSeconds - kWarmUp);
}

BENCHMARK_CAPTURE(Spread, equal_least_loaded, Choice::kLeastLoaded, 0.0, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_any_of_0_1, Choice::kAnyNearEqual, 0.1, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_any_of_0_2, Choice::kAnyNearEqual, 0.2, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_any_of_0_3, Choice::kAnyNearEqual, 0.3, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_two_choices_of_0_1, Choice::kTwoChoices, 0.1, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_two_choices_of_0_2, Choice::kTwoChoices, 0.2, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_two_choices_of_all, Choice::kTwoChoices, 10, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, equal_free, Choice::kFreeCapacity, 0.1, true)->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_least_loaded, Choice::kLeastLoaded, 0.0, false)->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_any_of_0_1, Choice::kAnyNearEqual, 0.1, false)->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_any_of_0_2, Choice::kAnyNearEqual, 0.2, false)->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_any_of_0_3, Choice::kAnyNearEqual, 0.3, false)->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_two_choices_of_0_1, Choice::kTwoChoices, 0.1, false)
    ->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_two_choices_of_0_2, Choice::kTwoChoices, 0.2, false)
    ->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_two_choices_of_all, Choice::kTwoChoices, 10, false)
    ->Iterations(1);
BENCHMARK_CAPTURE(Spread, unequal_free, Choice::kFreeCapacity, 0.1, false)->Iterations(1);

}  // namespace
}  // namespace strata::farm
