#include "tests/simulation/federation/world.h"

#include "service_manager/directory/limits.h"

namespace strata::simulation::federation {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kSettleWithin = seconds(60);
constexpr Duration kRepairMax = seconds(3);  // In which copies still come and go.
constexpr Duration kStep = milliseconds(50);
constexpr Duration kWatch = seconds(2);  // That all stays quiet, beside a cycle of checks.
constexpr size_t kQuestionsOfAScope = 8;
constexpr Duration kLocateWithin = seconds(6);
constexpr Duration kStorm = seconds(3);
constexpr uint64_t kEventsMax = 5'000'000;

}  // namespace

World::World(const Plan& plan, const RunOptions& options)
    : plan_(plan),
      random_(plan.seed ^ 0xfede7a7e),
      truth_(plan_),
      wiring_{plan_, queue_, random_, trace_, truth_, events_},
      faults_(wiring_, scopes_, plan.seed ^ 0xfa17),
      checker_(wiring_, scopes_) {
  if (options.trace) trace_.PrintToStdout();
  if (options.keep_hash) trace_.KeepHash();
  for (size_t at = 0; at < plan_.scopes.size(); ++at) {
    const auto parent = plan_.scopes[at].parent;
    scopes_.push_back(std::make_unique<ScopeManagers>(
        wiring_, at, [this, parent] { return parent ? scopes_[*parent]->Answering() : nullptr; }));
    if (parent && plan_.scopes[*parent].level > plan_.scopes[at].level + 1) {
      events_.Count(Event::kLevelMissing);
    }
  }
  for (const auto& scope : scopes_) scope->StartFirst();
}

RunResult World::Run() {
  trace_.Line(queue_.now(), 0, "seed %llu, profile %s, %zu scopes",
              static_cast<unsigned long long>(plan_.seed), ToString(plan_.profile).data(),
              plan_.scopes.size());
  faults_.Start();
  RunFor(plan_.faulty_phase);
  faults_.Heal();
  trace_.Line(queue_.now(), 0, "all faults have ended");
  RunFor(random_.Between(Duration::zero(), kRepairMax));  // What was lost is told anew meanwhile.
  faults_.Rest();
  Settle();
  if (!failed()) Locate();
  for (const auto& scope : scopes_) scope->CountEvents();
  return {.seed = plan_.seed,
          .failures = wiring_.failures,
          .events = events_.counts(),
          .told = failed() ? 0 : checker_.Told(),
          .turns = queue_.events_run(),
          .trace_hash = trace_.hash()};
}

void World::RunFor(Duration time) {
  const Timestamp end = queue_.now() + time;
  while (!failed() && queue_.RunOne(end)) {
    if (queue_.events_run() < kEventsMax) continue;
    wiring_.Fail("livelock", std::to_string(kEventsMax) + " events");
  }
}

// What is bent is found by a check, and each one waits until it may say what it has read.
Duration World::SettleWithin() const {
  const LinkPlan& link = plan_.link;
  if (!plan_.StoresBend()) return kSettleWithin;
  return kSettleWithin + int64_t{manager::directory::kRanges} * (link.read_max + link.sync_max);
}

void World::Settle() {
  const Timestamp end = queue_.now() + SettleWithin();
  std::string why;
  while (!failed() && !checker_.Holds(why)) {
    if (queue_.now() >= end) {
      wiring_.Fail("liveness", why);
      return;
    }
    RunFor(kStep);
  }
  RunFor(kWatch);  // What is on its way may still say what was so before.
  if (failed()) return;
  const uint64_t repairs = checker_.Repairs();
  const uint64_t told = checker_.Told();
  RunFor(kWatch + plan_.link.check_cycle);  // Checks find nothing any more.
  if (failed()) return;
  checker_.Check();
  if (checker_.Repairs() != repairs) wiring_.Fail("economy", "ranges are told anew for ever");
  if (checker_.Told() != told) wiring_.Fail("economy", "changes are told though nothing changes");
}

void World::Locate() {
  for (const auto& scope : scopes_) scope->leader()->Stop();
  LocateInPeace();
  if (!failed()) LocateInStorm();
}

void World::LocateInPeace() {
  round_.emplace(wiring_, scopes_);
  for (size_t scope = 0; scope < scopes_.size(); ++scope) {
    for (size_t i = 0; i < kQuestionsOfAScope; ++i) {
      round_->Ask(scope, plan_.catalogue[random_.Below(plan_.catalogue.size())]);
    }
  }
  RunFor(kLocateWithin);
  round_->CountEvents();
  JudgeUnanswered(round_->unanswered());
}

void World::LocateInStorm() {
  storm_.emplace(wiring_, plan_.seed ^ 0x5707);
  storm_->Blow();
  RunFor(kStorm);
  storm_->Calm();
  RunFor(LocateStorm::settled_after());
  storm_->AskAll();
  RunFor(kLocateWithin);
  storm_->LoseOneLink();
  RunFor(LocateStorm::settled_after());
  storm_->AskAll();
  RunFor(kLocateWithin);
  storm_->CountEvents();
  JudgeUnanswered(storm_->unanswered());
}

void World::JudgeUnanswered(size_t questions) {
  if (failed() || questions == 0) return;
  wiring_.Fail("locate", std::to_string(questions) + " questions have no answer");
}

RunResult RunSeed(uint64_t seed, const RunOptions& options) {
  return World(Plan::Draw(seed), options).Run();
}

}  // namespace strata::simulation::federation
