#pragma once

#include <prometheus/collectable.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/time.h"

namespace strata {

// Only ever grows. Any thread, never waits.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  // For totals that a pure machine counts by itself. One thread per counter; never backwards.
  void AdvanceTo(uint64_t total);
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// A level that rises and falls. Any thread, never waits.
class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

// Counts values by size class. Any thread, never waits.
class Histogram {
 public:
  // The inclusive upper ends of the classes, ascending; one more class holds what is above.
  explicit Histogram(std::vector<double> bounds);

  void Observe(double value);
  void Observe(Duration value) { Observe(Seconds(value)); }

  const std::vector<double>& bounds() const { return bounds_; }
  uint64_t count(size_t bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;  // One for each bound, one for what is above.
  std::atomic<double> sum_ = 0;
};

using MetricLabels = std::map<std::string, std::string>;

// The declaration of one series. Series of one name differ in the values of their labels and agree
// in everything else.
struct MetricInfo {
  std::string
      name;  // "strata_multicast_naks_total": the room, the thing, the unit; _total if Counter.
  std::string help;  // One sentence for operators; feeds the documents.
  MetricLabels labels = {};
  uint32_t number = 0;  // Stable identity towards SNMP, unique per name; 0 is not shown there.
};

enum class MetricKind : uint8_t { kCounter, kGauge, kHistogram };

// One series at one moment.
struct MetricSample {
  uint32_t number = 0;
  std::string name;
  MetricLabels labels;
  MetricKind kind = MetricKind::kCounter;
  double value = 0;  // Of a histogram: how many values it saw.
};

// Series of one name, at most. Beyond it, new ones share one whose label values are all "other": a
// label whose values come from peers must not fill the memory.
inline constexpr size_t kSeriesPerMetricMax = 1000;

// All metrics of a process (or of one simulated node). Each series is declared once, by whoever
// counts it, which keeps the reference; to declare one twice, or one name in two ways, is a bug of
// ours and ends the process. Series live as long as the registry.
//
// Any thread may call any method; declaring and collecting take a lock, counting does not. As a
// Collectable it serves prometheus::Exposer.
class MetricRegistry final : public prometheus::Collectable {
 public:
  MetricRegistry();
  ~MetricRegistry() override;

  Counter& AddCounter(MetricInfo info);
  Gauge& AddGauge(MetricInfo info);
  Histogram& AddHistogram(MetricInfo info, std::vector<double> bounds);

  // Every series by name, then labels.
  std::vector<MetricSample> Samples() const;
  // The same in Prometheus' text format.
  std::string Text() const;
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  using Instrument =
      std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>;

  struct Family {
    MetricKind kind;
    std::string help;
    uint32_t number;
    std::map<MetricLabels, Instrument> series;
  };

  // The place of a new series, or of the shared one; ends the process if the declaration is wrong.
  Instrument& Declare(MetricInfo info, MetricKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Family& FamilyOf(const MetricInfo& info, MetricKind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, Family, std::less<>> families_ ABSL_GUARDED_BY(mu_);
};

}  // namespace strata
