#include "tests/simulation/simulation.h"

#include <cstdio>

namespace strata::simulation {

using multicast::MemberStatus;
using multicast::View;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {
constexpr Duration kSettleWithin = seconds(20);
constexpr Duration kStep = milliseconds(5);
constexpr uint64_t kEventsMax = 20'000'000;
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

Simulation::Simulation(uint64_t seed, const RunOptions& options)
    : scenario_(Scenario::Draw(seed)),
      random_(seed ^ 0x5eed),
      stage_(messages_, queue_),
      network_(
          scenario_.members.size(), queue_, random_,
          [this](size_t to, Port port, const PacketPtr& packet, size_t from) {
            members_[to]->Arrive(port, packet, from);
          },
          [this](size_t to, Port, const PacketPtr& packet) {
            wiring_.Tell(&Observer::OnLost, *members_[to], *packet);
          }),
      wiring_{queue_,
              network_,
              stage_,
              trace_,
              scenario_,
              {},
              [this](size_t index) { faults_.OnArmedCrash(index); }},
      sm_last_(stage_),
      held_(stage_),
      address_(stage_),
      views_(stage_, scenario_.quorum_none),
      order_(stage_, branches_),
      sends_(stage_, branches_),
      aborts_(stage_, branches_),
      received_(stage_, branches_),
      economy_(stage_),
      intent_(stage_),
      events_(stage_, scenario_.managers_keep_intent),
      hostile_(members_, random_.Next()),
      faults_(wiring_, members_, hostile_, random_.Next()),
      workload_(wiring_, members_, random_.Next()),
      stores_(wiring_, members_, seed ^ 0x1474e7) {
  if (options.trace) trace_.PrintToStdout();
  if (options.keep_hash) trace_.KeepHash();
  wiring_.observers = {&branches_, &sm_last_, &held_,     &address_, &views_,  &order_,
                       &sends_,    &aborts_,  &received_, &events_,  &hostile_};
  if (scenario_.managers_keep_intent) {
    wiring_.observers.push_back(&stores_);
    wiring_.observers.push_back(&intent_);
  }
  for (size_t i = 0; i < scenario_.members.size(); ++i) {
    members_.push_back(std::make_unique<Member>(i, scenario_.members[i], wiring_, random_.Next()));
    stage_.Add(members_.back().get());
  }
}

RunResult Simulation::Run() {
  trace_.Line(queue_.now(), 0, "seed %llu, profile %s, %zu members", Ull(scenario_.seed),
              ToString(scenario_.profile).data(), members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    if (scenario_.members[i].starts_late) continue;
    Duration after = random_.Between(Duration::zero(), milliseconds(40));
    queue_.After(after, [this, i] { members_[i]->Start(true); });
  }
  faults_.Start();
  if (scenario_.profile == Profile::kLossOnly) {
    // What a joiner catches up with is no loss: repair is judged once everybody is in.
    Settle("while the group forms", kSettleWithin);
    wiring_.observers.push_back(&economy_);
  }
  workload_.Start();
  if (scenario_.managers_keep_intent) stores_.Start();
  RunFor(scenario_.faulty_phase);
  workload_.Stop();
  stores_.StopOrders();
  faults_.Heal();
  trace_.Line(queue_.now(), 0, "all faults have ended");
  Settle("after the faults", kSettleWithin);
  if (!failed()) {
    workload_.SendProbes();
    Settle("with one more message of everybody", kSettleWithin);
  }
  RunResult result;
  if (!failed()) {
    size_t any = 0;
    while (!members_[any]->running()) ++any;
    const MemberProbe& sm = *stage_.Find(members_[any]->view().members.front().id);
    wiring_.Tell(&Observer::OnEnd, sm);
    result.commits = sm.state().entries().size();
  }
  result.seed = scenario_.seed;
  result.failures = stage_.failures();
  result.events = events_.counts();
  if (scenario_.profile == Profile::kLossOnly) result.economy = economy_.economy();
  result.turns = queue_.events_run();
  result.trace_hash = trace_.hash();
  return result;
}

void Simulation::RunFor(Duration time) {
  Timestamp end = queue_.now() + time;
  while (!failed() && queue_.RunOne(end)) {
    if (queue_.events_run() < kEventsMax) continue;
    stage_.Fail("livelock", "%llu events in %.3f s", Ull(kEventsMax),
                Seconds(queue_.now() - Timestamp()));
  }
}

void Simulation::Settle(const char* phase, Duration limit) {
  Timestamp end = queue_.now() + limit;
  do {
    RunFor(kStep);
    if (failed() || Quiet()) return;
  } while (queue_.now() < end);
  std::string text;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (faults_.Expected(i)) text += Describe(i);
  }
  stage_.Fail("liveness", "no rest %s:%s", phase, text.c_str());
}

bool Simulation::Quiet() const {
  const View* view = nullptr;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!faults_.Expected(i)) continue;
    if (!members_[i]->running() || members_[i]->view().number == 0) return false;
    if (view == nullptr) view = &members_[i]->view();
    if (!QuietMember(i, *view)) return false;
  }
  uint64_t chain = 0;
  bool first = true;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (!faults_.Expected(i) || members_[i]->status() != MemberStatus::kFull) continue;
    if (!first && members_[i]->state().chain() != chain) return false;
    chain = members_[i]->state().chain();
    first = false;
  }
  return true;
}

bool Simulation::QuietMember(size_t index, const View& view) const {
  Member& member = *members_[index];
  if (member.view() != view || member.frozen()) return false;
  if (view.SlotOf(member.id(), member.incarnation()) == multicast::kNoSlot) return false;
  bool witness = scenario_.members[index].self.role == multicast::Role::kWitness;
  if (member.status() != (witness ? MemberStatus::kWitness : MemberStatus::kFull)) return false;
  const size_t sm = view.members.front().id.value() - 1;
  if (scenario_.managers_keep_intent && !stores_.InStep(index, sm)) return false;
  return member.application().open_sends() == 0 && (witness || member.state_complete()) &&
         member.shown_view().epoch == view.epoch;
}

std::string Simulation::Describe(size_t index) const {
  const Member& member = *members_[index];
  char text[160];
  if (!member.running()) {
    snprintf(text, sizeof(text), " m%u down;", member.id().value());
    return text;
  }
  snprintf(text, sizeof(text), " m%u v%u e%llu.%u %s%s%s%zu open %zu entries;", member.id().value(),
           member.view().number, Ull(member.view().epoch.counter),
           member.view().epoch.proposer.value(),
           member.status() == MemberStatus::kFull      ? "full "
           : member.status() == MemberStatus::kLearner ? "learner "
           : member.status() == MemberStatus::kWitness ? "witness "
                                                       : "none ",
           member.frozen() ? "frozen " : "", member.synced() ? "synced " : "",
           members_[index]->application().open_sends(), member.state().entries().size());
  return text;
}

RunResult RunSeed(uint64_t seed, const RunOptions& options) {
  return Simulation(seed, options).Run();
}

}  // namespace strata::simulation
