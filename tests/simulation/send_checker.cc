#include "tests/simulation/send_checker.h"

namespace strata::simulation {

namespace {
unsigned long long Ull(uint64_t value) { return value; }
}  // namespace

void SendChecker::OnDeliver(const MemberProbe& member, const Delivery& delivery) {
  if (delivery.number == 0 || delivery.id == 0) return;
  delivered_.emplace(delivery.id, branches_.StintOf(member.id()));
}

void SendChecker::OnReplied(const MemberProbe& member, MessageId id, uint64_t hash) {
  replies_[{id, member.id()}] = hash;
}

void SendChecker::OnLeft(const MemberProbe& member, bool) { left_.insert(member.id()); }

void SendChecker::OnTurnEnd(const MemberProbe& member) {
  if (unknown_.erase(member.id()) > 0 && !left_.contains(member.id()) &&
      member.shown_view().number != 0) {
    stage_.Fail("unknown", "member %u calls a send unknown and keeps its view",
                member.id().value());
  }
  left_.erase(member.id());
}

void SendChecker::OnSendDone(const MemberProbe& member, const SentMessage& message,
                             const std::vector<ReplySeen>& replies) {
  Outcome outcome = *message.outcome;
  if (message.received != (outcome == Outcome::kReceived) && outcome != Outcome::kUnknown &&
      outcome != Outcome::kAborted) {
    stage_.Fail("outcome", "message %llu: the outcome is of the other kind of delivery",
                Ull(message.id));
  }
  if (outcome == Outcome::kUnknown) unknown_.insert(member.id());
  if (outcome == Outcome::kAborted) aborted_[message.id] = branches_.StintOf(member.id());
  if (outcome != Outcome::kCommitted) return;
  committed_[message.id] = {branches_.StintOf(member.id()), member.shown_view().epoch,
                            member.state().lineage()};
  for (const ReplySeen& reply : replies) {
    auto said = replies_.find({message.id, reply.member});
    if (said == replies_.end() || said->second != reply.hash) {
      stage_.Fail("reply", "message %llu: the reply of member %u is not what it said",
                  Ull(message.id), reply.member.value());
    }
  }
}

void SendChecker::JudgeCommitted(const SentMessage& message, const ReplicatedState& last,
                                 const std::map<MessageId, uint64_t>& numbers) {
  const Ended& ended = committed_[message.id];
  if (!branches_.Survives(ended.lineage, message.commit_number, last.lineage())) return;
  if (branches_.Diverged(message.origin, message.commit_number)) return;
  if (branches_.CrashedAlone(ended.stint, message.commit_number)) return;
  auto number = numbers.find(message.id);
  if (number == numbers.end()) {
    stage_.Fail("committed-lost",
                "message %llu was committed to its sender %u as #%llu and is lost", Ull(message.id),
                message.origin.value(), Ull(message.commit_number));
  } else if (number->second != message.commit_number &&
             !branches_.EndedIn(ended.stint, ended.epoch) && !branches_.WentAlone(ended.stint)) {
    stage_.Fail("committed-number", "message %llu was committed as #%llu, its sender heard #%llu",
                Ull(message.id), Ull(number->second), Ull(message.commit_number));
  }
}

void SendChecker::OnEnd(const MemberProbe& last) {
  std::map<MessageId, uint64_t> numbers;
  for (const Entry& entry : last.state().entries()) numbers[entry.id] = entry.number;
  for (const auto& [id, message] : stage_.messages().all()) {
    if (!message.outcome.has_value() || message.received) continue;
    if (*message.outcome == Outcome::kCommitted) JudgeCommitted(message, last.state(), numbers);
    auto delivered = delivered_.find(id);
    if (*message.outcome == Outcome::kAborted && delivered != delivered_.end() &&
        !branches_.WentAlone(delivered->second) && !branches_.WentAlone(aborted_[id])) {
      stage_.Fail("aborted-delivered", "message %llu was aborted to its sender %u; %u delivered it",
                  Ull(id), message.origin.value(), delivered->second.member.value());
    }
  }
}

}  // namespace strata::simulation
