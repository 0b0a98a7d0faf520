#include "tests/simulation/received_checker.h"

namespace strata::simulation {

using multicast::MemberStatus;

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void ReceivedChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  if (delivery.number != 0 || delivery.id == 0) return;
  const SentMessage* message = stage_.messages().Find(delivery.id);
  if (message == nullptr || message->hash != delivery.hash || message->origin != delivery.origin ||
      message->stream != delivery.stream || !message->received) {
    stage_.Fail("content", "member %u takes message %llu of %u/%u, which was never sent so",
                member.id().value(), Ull(delivery.id), delivery.origin.value(), delivery.stream);
    return;
  }
  Stint stint = branches_.StintOf(member.id());
  auto& taken = lines_[{stint, delivery.origin, delivery.stream}];
  if (!taken.empty() && delivery.id <= taken.back().id) {
    stage_.Fail("received-fifo", "member %u takes message %llu after %llu", member.id().value(),
                Ull(delivery.id), Ull(taken.back().id));
  }
  multicast::Slot slot = member.shown_view().SlotOf(member.id());
  bool full =
      slot != multicast::kNoSlot && member.shown_view().members[slot].status == MemberStatus::kFull;
  taken.push_back({delivery.id, full});
  delivered_[stint].insert(delivery.id);
}

std::set<Stint> ReceivedChecker::FullMembers(const multicast::View& view) const {
  std::set<Stint> full;
  for (const auto& info : view.members) {
    const MemberProbe* member = stage_.Find(info.id);
    if (info.status != MemberStatus::kFull || !member->running()) continue;
    if (member->incarnation() != info.incarnation || member->view().number == 0) continue;
    full.insert(branches_.StintOf(info.id));
  }
  return full;
}

void ReceivedChecker::OnSent(const MemberProbe& member, const SentMessage& message) {
  if (message.received) sent_to_[message.id] = FullMembers(member.shown_view());
}

void ReceivedChecker::OnSendDone(const MemberProbe& member, const SentMessage& message,
                                 const std::vector<ReplySeen>&) {
  if (*message.outcome != Outcome::kReceived) return;
  for (const Stint& stint : FullMembers(member.shown_view())) {
    if (sent_to_[message.id].contains(stint)) promised_[message.id].insert(stint);
  }
}

void ReceivedChecker::JudgeGaps(const Line& line, const std::vector<Taken>& taken) {
  const auto& all = stage_.messages().all();
  for (size_t i = 1; i < taken.size(); ++i) {
    if (!taken[i].full || !taken[i - 1].full) continue;
    auto from = all.find(taken[i - 1].id);
    auto to = all.find(taken[i].id);
    for (auto it = std::next(from); it != to; ++it) {
      const SentMessage& m = it->second;
      if (m.origin != std::get<1>(line) || m.stream != std::get<2>(line)) continue;
      if (m.incarnation != to->second.incarnation || m.outcome == Outcome::kAborted) continue;
      if (from->second.incarnation != m.incarnation) continue;
      stage_.Fail("received-gap", "member %u takes message %llu and never %llu before it",
                  std::get<0>(line).member.value(), Ull(taken[i].id), Ull(m.id));
    }
  }
}

void ReceivedChecker::OnEnd(const MemberProbe&) {
  for (const auto& [line, taken] : lines_) JudgeGaps(line, taken);
  for (const auto& [id, stints] : promised_) {
    for (const Stint& stint : stints) {
      bool stayed =
          branches_.StintOf(stint.member) == stint && stage_.Find(stint.member)->running();
      if (stayed && !delivered_[stint].contains(id)) {
        stage_.Fail("received-lost", "message %llu was called received; member %u never took it",
                    Ull(id), stint.member.value());
      }
    }
  }
}

}  // namespace strata::simulation
