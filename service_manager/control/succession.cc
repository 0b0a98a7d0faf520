#include "service_manager/control/succession.h"

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {
namespace {

using multicast::Now;

constexpr Duration kLookEvery = std::chrono::milliseconds(5);

const Logger& Log() {
  static const Logger logger("control");
  return logger;
}

}  // namespace

Succession::Succession(const Leadership& leadership, store::MirroredStore& store,
                       const ManagerBook& managers, farm::FarmMember& member,
                       MetricRegistry& metrics)
    : leadership_(leadership),
      store_(store),
      managers_(managers),
      member_(member),
      backups_(metrics.AddGauge({.name = "strata_farm_backups",
                                 .help = "Managers of the farm beside the one that leads, whether "
                                         "they are there or not."})),
      ready_(metrics.AddGauge({.name = "strata_farm_backups_ready",
                               .help = "Backup managers that have all that was acknowledged and "
                                       "can take over."})) {}

Status Succession::Promote(Duration limit) {
  if (leadership_.leads()) return Ok();
  if (!member_.joined()) {
    return FailedPrecondition(
        "this manager is not in step with the farm yet (see strata manager list)");
  }
  STRATA_RETURN_IF_ERROR(member_.Promote());
  return AwaitLeading(limit);
}

Status Succession::LeadAnyway(Duration limit) {
  if (HasQuorum()) return Ok();
  Log().Warning("an operator has decided that this manager leads, whoever else there is");
  STRATA_RETURN_IF_ERROR(member_.LeadAnyway());
  return AwaitLeading(limit);
}

StatusOr<std::string> Succession::HandOver(Duration limit) {
  if (!HasQuorum()) return FailedPrecondition("this manager does not lead");
  const Timestamp end = Now() + limit;
  std::string heir;
  while (leadership_.leads()) {
    if (!store_.OfferLead(heir)) {
      const std::vector<std::string> heirs = Heirs();
      if (heirs.empty()) return FailedPrecondition("no backup has all that this manager has");
      heir = heirs.front();
    }
    if (Now() > end) return DeadlineExceeded("manager %s does not lead yet", heir.c_str());
    absl::SleepFor(absl::FromChrono(kLookEvery));
  }
  const std::string now = leadership_.leader();
  if (now.empty()) return Unavailable("this manager left the farm's group meanwhile");
  return now;
}

std::vector<std::string> Succession::Heirs() const {
  std::vector<std::string> heirs;
  const multicast::View view = member_.view();
  for (size_t slot = 1; slot < view.members.size(); ++slot) {
    const multicast::MemberInfo& member = view.members[slot];
    if (member.role != multicast::Role::kManager) continue;
    if (member.status != multicast::MemberStatus::kFull) continue;
    const std::string name = managers_.NameOf(member.id.value());
    if (store_.MayTakeOver(name)) heirs.push_back(name);
  }
  return heirs;
}

Status Succession::TakeLead() { return leadership_.leads() ? Ok() : member_.Promote(); }

void Succession::RefreshMetrics() {
  const bool leads = leadership_.leads();
  backups_.Set(leads ? static_cast<double>(managers_.all().size()) - 1 : 0);
  ready_.Set(leads ? static_cast<double>(Heirs().size()) : 0);
}

Status Succession::AwaitLeading(Duration limit) const {
  const Timestamp end = Now() + limit;
  while (!HasQuorum()) {
    if (given_up_) return Unavailable("this manager ends");
    if (Now() > end) return DeadlineExceeded("this manager does not lead yet");
    absl::SleepFor(absl::FromChrono(kLookEvery));
  }
  return Ok();
}

}  // namespace strata::manager::control
