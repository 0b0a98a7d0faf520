#include "tests/simulation/workload.h"

#include <cmath>

namespace strata::simulation {

using std::chrono::microseconds;

Workload::Workload(Wiring& wiring, std::vector<std::unique_ptr<Member>>& members, uint64_t seed)
    : wiring_(wiring), members_(members), random_(seed), stream_salt_(random_.Next()) {}

void Workload::Start() {
  for (size_t i = 0; i < members_.size(); ++i) Schedule(i);
}

void Workload::Schedule(size_t index) {
  double mean = static_cast<double>(wiring_.scenario.workload.send_gap.count());
  auto gap = static_cast<int64_t>(-std::log(1.0 - random_.Unit()) * mean);
  wiring_.queue.After(Duration(gap), [this, index] {
    if (stopped_) return;
    if (members_[index]->running()) Burst(index);
    Schedule(index);
  });
}

// Mostly one message, sometimes several in one turn.
void Workload::Burst(size_t index) {
  Member& member = *members_[index];
  uint64_t count = random_.Chance(0.2) ? 1 + random_.Below(8) : 1;
  for (uint64_t i = 0; i < count; ++i) SendOne(member);
  if (!random_.Chance(wiring_.scenario.workload.abort)) return;
  Duration delay = random_.Between(Duration::zero(), microseconds(1500));
  wiring_.queue.After(delay, [&member] {
    if (member.running()) member.application().AbortNewest();
  });
}

bool Workload::IsReceived(const Member& member, multicast::StreamId stream) const {
  if (stream == 0) return false;
  SeededRandom choice(stream_salt_ + member.id().value() * 64 + stream);
  return choice.Chance(wiring_.scenario.workload.received);
}

size_t Workload::DrawSize() {
  const WorkloadPlan& plan = wiring_.scenario.workload;
  if (random_.Chance(plan.huge_message)) return 8 + random_.Below(size_t{1} << 20);
  if (random_.Chance(plan.long_message)) return 1000 + random_.Below(size_t{64} << 10);
  if (random_.Chance(0.15)) return 8 + random_.Below(5000);
  if (random_.Chance(0.02)) return 0;
  return 8 + random_.Below(300);
}

void Workload::SendOne(Member& member) {
  const WorkloadPlan& plan = wiring_.scenario.workload;
  auto stream = static_cast<multicast::StreamId>(random_.Below(plan.streams));
  multicast::SendOptions options;
  options.received = IsReceived(member, stream);
  if (!options.received && random_.Chance(plan.prepare)) {
    options.prepare = true;
    options.replies = random_.Chance(0.5);
    options.all_of = random_.Chance(0.3);
  } else if (!options.received && random_.Chance(0.02)) {
    options.all_of = true;
  }
  member.application().Send(stream, DrawSize(), options);
}

void Workload::SendProbes() {
  for (auto& member : members_) {
    if (!member->running() || member->status() != multicast::MemberStatus::kFull) continue;
    member->application().Send(0, 100, {});
  }
}

}  // namespace strata::simulation
