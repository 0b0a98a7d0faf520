#include "multicast/driver/metrics.h"

#include <string>

namespace strata::multicast {
namespace {

MetricInfo InfoOf(std::string_view name, std::string_view help, uint32_t number, GroupId group) {
  MetricInfo info;
  info.name = "strata_multicast_" + std::string(name);
  info.help = std::string(help) + ".";
  info.labels = {{"group", std::to_string(group.value())}};
  info.number = number;
  return info;
}

}  // namespace

GroupMetrics::GroupMetrics(MetricRegistry& registry, GroupId group) {
  for (const CounterInfo& c : kCounterInfo) {
    auto number = kCoreMetricNumbers + static_cast<uint32_t>(core_.size());
    std::string name = std::string(c.name) + "_total";
    core_.push_back(&registry.AddCounter(InfoOf(name, c.help, number, group)));
  }
  for (const DriverCounterInfo& c : kDriverCounterInfo) {
    auto number = kDriverMetricNumbers + static_cast<uint32_t>(driver_.size());
    std::string name = std::string(c.name) + "_total";
    driver_.push_back(&registry.AddCounter(InfoOf(name, c.help, number, group)));
  }
  uint32_t number = kGaugeMetricNumbers;
  view_number_ = &registry.AddGauge(
      InfoOf("view_number", "Number of the installed view, 0 for none", number++, group));
  members_ = &registry.AddGauge(InfoOf("members", "Members of the view", number++, group));
  status_ = &registry.AddGauge(
      InfoOf("status", "Status here: 0 none, 1 learner, 2 full, 3 witness", number++, group));
}

void GroupMetrics::SetCounters(const Counters& core, const DriverCounters& driver) {
  for (size_t i = 0; i < core_.size(); ++i) core_[i]->AdvanceTo(core[static_cast<Counter>(i)]);
  for (size_t i = 0; i < driver_.size(); ++i) {
    driver_[i]->AdvanceTo(driver[static_cast<DriverCounter>(i)]);
  }
}

void GroupMetrics::SetView(const View& view, MemberStatus status) {
  view_number_->Set(view.number);
  members_->Set(static_cast<double>(view.members.size()));
  status_->Set(static_cast<double>(status));
}

}  // namespace strata::multicast
