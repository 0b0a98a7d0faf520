#include "service_manager/control/state_verifier.h"

#include <optional>

#include "common/log.h"
#include "multicast/driver/clock.h"

namespace strata::manager::control {
namespace {

using multicast::Now;

const Logger& Log() {
  static const Logger logger("control");
  return logger;
}

}  // namespace

StateVerifier::StateVerifier(Duration every, RandomSource& random, EventLog& events,
                             MetricRegistry& metrics)
    : every_(every),
      random_(random),
      events_(events),
      asked_(metrics.AddCounter({.name = "strata_farm_verifications_total",
                                 .help = "Times that the members' states were compared "
                                         "without an operator's asking."})),
      differed_(metrics.AddCounter({.name = "strata_farm_digests_differing_total",
                                    .help = "States of engines that were another one than "
                                            "the manager's; each engine takes it anew."})),
      differing_(metrics.AddGauge({.name = "strata_farm_engines_differing",
                                   .help = "Engines whose state was another one than the manager's "
                                           "when it was compared last."})),
      next_(Now() + every) {}

void StateVerifier::AskIfDue(farm::FarmMember& member) {
  if (Now() < next_) return;
  next_ = Now() + every_;
  if (member.Send(farm::DigestAsked{random_.Next()}).ok()) asked_.Add();
}

void StateVerifier::OnAsked(const farm::DigestAsked& asked, const farm::FarmMember& member) {
  DigestWatch::Own own{asked.number, 0, {}, {}};
  const multicast::View view = member.view();
  member.Read([&](const farm::TableReplica& replica) {
    own.commit_number = replica.commit_number();
    own.digest = replica.digest();
    for (const multicast::MemberInfo& info : view.members) {
      if (!info.light) continue;
      const farm::EngineId engine(info.id.value());
      own.light[engine] = replica.DigestOfLight(engine);
    }
  });
  absl::MutexLock lock(&mutex_);
  digests_.OnAsked(own);
}

void StateVerifier::OnTold(const farm::DigestTold& told, const farm::FarmMember& member) {
  bool differs = false;
  {
    absl::MutexLock lock(&mutex_);
    differs =
        digests_.OnTold(told.engine, told.number, told.digest) == DigestWatch::Finding::kDiffers;
    differing_.Set(static_cast<double>(digests_.differing().size()));
  }
  if (!differs) return;
  differed_.Add();
  const std::string text = member.NameOf(told.engine) + " holds another state than this manager";
  Log().Error(text, {{"digest", told.digest.ToString()}});
  events_.Add("farm", text + ": it takes it anew");
}

void StateVerifier::OnView(const std::vector<farm::EngineId>& engines) {
  absl::MutexLock lock(&mutex_);
  digests_.OnView(engines);
  differing_.Set(static_cast<double>(digests_.differing().size()));
}

StatusOr<DigestWatch::Own> StateVerifier::DigestOf(uint64_t number) const {
  absl::MutexLock lock(&mutex_);
  if (const std::optional<DigestWatch::Own> own = digests_.Find(number)) return *own;
  return NotFound("the question has not come back to this manager");
}

uint64_t StateVerifier::DifferedAt(farm::EngineId engine) const {
  absl::MutexLock lock(&mutex_);
  const auto it = digests_.differing().find(engine);
  return it == digests_.differing().end() ? 0 : it->second;
}

std::vector<farm::EngineId> StateVerifier::Differing() const {
  absl::MutexLock lock(&mutex_);
  std::vector<farm::EngineId> engines;
  for (const auto& [engine, number] : digests_.differing()) engines.push_back(engine);
  return engines;
}

}  // namespace strata::manager::control
