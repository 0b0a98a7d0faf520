#include "common/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

#include "common/check.h"

namespace strata {
namespace {

constexpr std::string_view kOther = "other";

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Letters, digits and underscores, no digit first: valid in Prometheus and as part of an SNMP name.
bool IsName(std::string_view name) {
  if (name.empty() || !IsLetter(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return IsLetter(c) || (c >= '0' && c <= '9'); });
}

void CheckDeclaration(const MetricInfo& info, MetricKind kind) {
  STRATA_CHECK(IsName(info.name), "metric name \"%s\"", info.name.c_str());
  STRATA_CHECK(!info.help.empty(), "metric %s has no help", info.name.c_str());
  const bool total = info.name.ends_with("_total");
  STRATA_CHECK(total == (kind == MetricKind::kCounter),
               "metric %s: counters and only they end in _total", info.name.c_str());
  for (const auto& [label, value] : info.labels) {
    STRATA_CHECK(IsName(label), "metric %s, label \"%s\"", info.name.c_str(), label.c_str());
  }
}

bool HaveSameKeys(const MetricLabels& a, const MetricLabels& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first; });
}

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

uint64_t TotalOf(const Histogram& histogram) {
  uint64_t total = 0;
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) total += histogram.count(i);
  return total;
}

prometheus::ClientMetric::Histogram Cumulated(const Histogram& histogram) {
  prometheus::ClientMetric::Histogram result;
  result.sample_sum = histogram.sum();
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) {
    result.sample_count += histogram.count(i);
    const bool last = i == histogram.bounds().size();
    const double bound = last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i];
    result.bucket.push_back({result.sample_count, bound});
  }
  return result;
}

// Puts the value of an instrument where Prometheus' own model has it.
struct FillClientMetric {
  prometheus::ClientMetric& out;

  void operator()(const std::unique_ptr<Counter>& counter) const {
    out.counter.value = static_cast<double>(counter->value());
  }
  void operator()(const std::unique_ptr<Gauge>& gauge) const { out.gauge.value = gauge->value(); }
  void operator()(const std::unique_ptr<Histogram>& histogram) const {
    out.histogram = Cumulated(*histogram);
  }
};

struct ScalarOf {
  double operator()(const std::unique_ptr<Counter>& counter) const {
    return static_cast<double>(counter->value());
  }
  double operator()(const std::unique_ptr<Gauge>& gauge) const { return gauge->value(); }
  double operator()(const std::unique_ptr<Histogram>& histogram) const {
    return static_cast<double>(TotalOf(*histogram));
  }
};

}  // namespace

void Counter::AdvanceTo(uint64_t total) {
  const uint64_t before = value();
  STRATA_CHECK(total >= before, "a counter went back");
  Add(total - before);
}

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  STRATA_CHECK(std::is_sorted(bounds_.begin(), bounds_.end(), std::less_equal<>()),
               "histogram bounds must ascend");
}

void Histogram::Observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(bucket - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

MetricRegistry::MetricRegistry() = default;
MetricRegistry::~MetricRegistry() = default;

Counter& MetricRegistry::AddCounter(MetricInfo info) {
  const absl::MutexLock lock(&mu_);
  auto& place = std::get<0>(Declare(std::move(info), MetricKind::kCounter));
  if (!place) place = std::make_unique<Counter>();
  return *place;
}

Gauge& MetricRegistry::AddGauge(MetricInfo info) {
  const absl::MutexLock lock(&mu_);
  auto& place = std::get<1>(Declare(std::move(info), MetricKind::kGauge));
  if (!place) place = std::make_unique<Gauge>();
  return *place;
}

Histogram& MetricRegistry::AddHistogram(MetricInfo info, std::vector<double> bounds) {
  const absl::MutexLock lock(&mu_);
  auto& place = std::get<2>(Declare(std::move(info), MetricKind::kHistogram));
  if (!place) place = std::make_unique<Histogram>(std::move(bounds));
  return *place;
}

MetricRegistry::Family& MetricRegistry::FamilyOf(const MetricInfo& info, MetricKind kind) {
  const auto found = families_.find(info.name);
  if (found == families_.end()) {
    for (const auto& [name, family] : families_) {
      STRATA_CHECK(info.number == 0 || info.number != family.number,
                   "metrics %s and %s share the number %u", name.c_str(), info.name.c_str(),
                   info.number);
    }
    return families_.emplace(info.name, Family{kind, info.help, info.number, {}}).first->second;
  }
  Family& family = found->second;
  STRATA_CHECK(family.kind == kind && family.help == info.help && family.number == info.number &&
                   HaveSameKeys(family.series.begin()->first, info.labels),
               "metric %s is declared in two ways", info.name.c_str());
  return family;
}

MetricRegistry::Instrument& MetricRegistry::Declare(MetricInfo info, MetricKind kind) {
  CheckDeclaration(info, kind);
  Family& family = FamilyOf(info, kind);
  if (family.series.size() >= kSeriesPerMetricMax) {
    for (auto& [label, value] : info.labels) value = kOther;
    if (const auto other = family.series.find(info.labels); other != family.series.end()) {
      return other->second;
    }
  }
  const auto [place, added] = family.series.try_emplace(std::move(info.labels));
  STRATA_CHECK(added, "metric %s is declared twice", info.name.c_str());
  switch (kind) {
    case MetricKind::kCounter:
      place->second.emplace<0>();
      break;
    case MetricKind::kGauge:
      place->second.emplace<1>();
      break;
    case MetricKind::kHistogram:
      place->second.emplace<2>();
      break;
  }
  return place->second;
}

std::vector<MetricSample> MetricRegistry::Samples() const {
  const absl::MutexLock lock(&mu_);
  std::vector<MetricSample> samples;
  for (const auto& [name, family] : families_) {
    for (const auto& [labels, instrument] : family.series) {
      const double value = std::visit(ScalarOf{}, instrument);
      samples.push_back({family.number, name, labels, family.kind, value});
    }
  }
  return samples;
}

std::vector<prometheus::MetricFamily> MetricRegistry::Collect() const {
  const absl::MutexLock lock(&mu_);
  std::vector<prometheus::MetricFamily> result;
  for (const auto& [name, family] : families_) {
    prometheus::MetricFamily& out = result.emplace_back();
    out.name = name;
    out.help = family.help;
    out.type = TypeOf(family.kind);
    for (const auto& [labels, instrument] : family.series) {
      prometheus::ClientMetric& metric = out.metric.emplace_back();
      for (const auto& [label, value] : labels) metric.label.push_back({label, value});
      std::visit(FillClientMetric{metric}, instrument);
    }
  }
  return result;
}

std::string MetricRegistry::Text() const {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, Collect());
  return text.str();
}

}  // namespace strata
