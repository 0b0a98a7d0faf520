#include "tests/simulation/order_checker.h"

#include <algorithm>

namespace strata::simulation {

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void OrderChecker::OnStarted(const MemberProbe& member, bool) { Reload(member); }

void OrderChecker::OnSnapshotInstalled(const MemberProbe& member, uint64_t commit) {
  Reload(member);
  if (member.state().last_number() > commit) {
    stage_.Fail("snapshot", "member %u installs a snapshot as of %llu that goes up to %llu",
                member.id().value(), Ull(commit), Ull(member.state().last_number()));
  }
}

void OrderChecker::Reload(const MemberProbe& member) {
  Member& known = members_[member.id()];
  known = {};
  for (const Entry& entry : member.state().entries()) {
    if (entry.id != 0) known.last[{entry.origin, entry.stream}] = entry.id;
  }
}

void OrderChecker::JudgeContent(const MemberProbe& member, const Delivery& delivery) {
  if (delivery.id == 0) return;
  const SentMessage* message = stage_.messages().Find(delivery.id);
  if (message == nullptr || message->hash != delivery.hash || message->bytes != delivery.bytes ||
      message->origin != delivery.origin || message->stream != delivery.stream ||
      message->received) {
    stage_.Fail("content",
                "member %u delivers #%llu, message %llu of %u/%u, which was never sent so",
                member.id().value(), Ull(delivery.number), Ull(delivery.id),
                delivery.origin.value(), delivery.stream);
    return;
  }
  if (member.state().Contains(delivery.id)) {
    stage_.Fail("once", "member %u delivers message %llu twice", member.id().value(),
                Ull(delivery.id));
  }
  MessageId& last = members_[member.id()].last[{delivery.origin, delivery.stream}];
  if (delivery.id < last) {
    stage_.Fail("fifo", "member %u delivers message %llu of %u/%u after %llu", member.id().value(),
                Ull(delivery.id), delivery.origin.value(), delivery.stream, Ull(last));
  }
  last = std::max(last, delivery.id);
}

void OrderChecker::JudgePlace(const MemberProbe& member, const Delivery& delivery) {
  Member& known = members_[member.id()];
  if (delivery.number < member.state().last_number()) {
    stage_.Fail("order", "member %u delivers #%llu after #%llu", member.id().value(),
                Ull(delivery.number), Ull(member.state().last_number()));
  }
  const auto& view = member.shown_view();
  multicast::Slot slot = view.SlotOf(delivery.origin);
  if (slot == multicast::kNoSlot || delivery.number <= view.log_number) return;
  std::tuple place{slot, delivery.stream, delivery.last_seq};
  if (known.number == delivery.number && place <= known.place) {
    stage_.Fail("order", "member %u delivers %u/%u:%llu too late inside #%llu", member.id().value(),
                slot, delivery.stream, Ull(delivery.last_seq), Ull(delivery.number));
  }
  known.number = delivery.number;
  known.place = place;
}

void OrderChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  if (delivery.number == 0) return;
  JudgeContent(member, delivery);
  JudgePlace(member, delivery);
  const auto& entries = member.state().entries();
  auto same = std::find_if(entries.rbegin(), entries.rend(),
                           [&](const Entry& entry) { return entry.number != delivery.number; });
  history_.push_back({.stint = branches_.StintOf(member.id()),
                      .epoch = member.shown_view().epoch,
                      .lineage = member.state().lineage(),
                      .index = static_cast<size_t>(same - entries.rbegin()),
                      .entry = {.number = delivery.number,
                                .origin = delivery.origin,
                                .stream = delivery.stream,
                                .id = delivery.id,
                                .hash = delivery.hash}});
}

void OrderChecker::OnEnd(const MemberProbe& last) {
  Final final_state;
  std::map<MessageId, uint64_t> numbers;
  for (const Entry& entry : last.state().entries()) {
    final_state[entry.number].push_back(entry);
    numbers[entry.id] = entry.number;
  }
  for (const Delivered& delivered : history_) {
    auto commit = final_state.find(delivered.entry.number);
    if (commit != final_state.end() && delivered.index < commit->second.size() &&
        commit->second[delivered.index] == delivered.entry) {
      continue;
    }
    JudgeMissing(delivered, last.state(), numbers);
  }
}

void OrderChecker::JudgeMissing(const Delivered& delivered, const ReplicatedState& last,
                                const std::map<MessageId, uint64_t>& numbers) {
  const Entry& entry = delivered.entry;
  multicast::MemberId member = delivered.stint.member;
  if (!branches_.Survives(delivered.lineage, entry.number, last.lineage())) return;
  if (branches_.Diverged(member, entry.number)) return;
  if (branches_.CrashedAlone(delivered.stint, entry.number)) return;
  auto number = numbers.find(entry.id);
  if (branches_.WentAlone(delivered.stint) && number != numbers.end()) return;
  const multicast::View* next = branches_.Next(delivered.epoch);
  bool alone = branches_.EndedIn(delivered.stint, delivered.epoch) && next != nullptr &&
               entry.number > branches_.KnownToMakers(next->epoch);
  if (!alone) {
    stage_.Fail("total-order",
                "member %u delivered message %llu as #%llu; the group has it elsewhere",
                member.value(), Ull(entry.id), Ull(entry.number));
    return;
  }
  if (entry.id != 0 && (number == numbers.end() || number->second > next->log_number)) {
    stage_.Fail("lost",
                "member %u delivered message %llu as #%llu alone; the survivors have it not",
                member.value(), Ull(entry.id), Ull(entry.number));
  }
}

}  // namespace strata::simulation
