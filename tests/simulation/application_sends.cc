#include <algorithm>
#include <utility>
#include <variant>

#include "tests/simulation/application.h"

// The sending half of the application: sends, aborts, their ends, and answers to prepares.
namespace strata::simulation {

using multicast::Core;
using multicast::SendOutcome;
using multicast::SendRefusal;

namespace {

Outcome ToOutcome(SendOutcome outcome) {
  switch (outcome) {
    case SendOutcome::kCommitted:
      return Outcome::kCommitted;
    case SendOutcome::kAborted:
      return Outcome::kAborted;
    case SendOutcome::kUnknown:
      return Outcome::kUnknown;
    case SendOutcome::kReceived:
      return Outcome::kReceived;
  }
  return Outcome::kUnknown;
}

constexpr const char* kOutcomeNames[] = {"committed", "aborted", "unknown", "received"};

}  // namespace

void Application::Send(multicast::StreamId stream, size_t bytes,
                       const multicast::SendOptions& options) {
  input_([this, stream, bytes, options](Core& core, Timestamp now) {
    MessageId id = bytes < 8 ? 0 : wiring_.stage.messages().NextId();
    auto result = core.Send(stream, MessageRegistry::Payload(id, bytes), options, now);
    if (const auto* send = std::get_if<multicast::SendId>(&result)) {
      Sent(id, *send, stream, bytes, options);
      return;
    }
    auto refusal = std::get<SendRefusal>(result);
    if (refusal != SendRefusal::kQueueFull && refusal != SendRefusal::kNotMember) {
      wiring_.stage.Fail("refusal", "member %u: Send refused with %d", self_.id().value(),
                         static_cast<int>(refusal));
    }
  });
}

void Application::Sent(MessageId id, multicast::SendId send, multicast::StreamId stream,
                       size_t bytes, const multicast::SendOptions& options) {
  if (open_.contains(send)) {
    wiring_.stage.Fail("send-once", "member %u: send id %llu was given twice", self_.id().value(),
                       static_cast<unsigned long long>(send));
  }
  open_[send] = id;
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(),
                     "send message %llu on stream %u, %zu bytes%s%s",
                     static_cast<unsigned long long>(id), stream, bytes,
                     options.received ? ", received" : "", options.prepare ? ", prepare" : "");
  if (id == 0) return;
  const SentMessage& message =
      wiring_.stage.messages().Add({.id = id,
                                    .origin = self_.id(),
                                    .incarnation = self_.incarnation(),
                                    .stream = stream,
                                    .bytes = bytes,
                                    .hash = HashOf(MessageRegistry::Payload(id, bytes)),
                                    .received = options.received,
                                    .prepare = options.prepare,
                                    .replies = options.replies,
                                    .all_of = options.all_of});
  wiring_.Tell(&Observer::OnSent, self_, message);
}

void Application::AbortNewest() {
  if (open_.empty()) return;
  auto [send, id] = *open_.rbegin();
  input_([this, send = send, id = id](Core& core, Timestamp now) {
    uint16_t reason = multicast::kApplicationReason + 1;
    if (!core.Abort(send, reason, now)) return;
    wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "abort message %llu",
                       static_cast<unsigned long long>(id));
    if (SentMessage* message = wiring_.stage.messages().Find(id)) message->abort_asked = true;
  });
}

bool Application::Waits(MessageId id) const {
  return std::any_of(open_.begin(), open_.end(), [id](auto& o) { return o.second == id; });
}

void Application::On(const multicast::SendDoneAction& action) {
  auto open = open_.find(action.id);
  if (open == open_.end()) {
    wiring_.stage.Fail("send-once", "member %u: send %llu ended without being open",
                       self_.id().value(), static_cast<unsigned long long>(action.id));
    return;
  }
  MessageId id = open->second;
  open_.erase(open);
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "message %llu %s #%llu reason %u",
                     static_cast<unsigned long long>(id),
                     kOutcomeNames[static_cast<size_t>(action.outcome)],
                     static_cast<unsigned long long>(action.commit_number), action.reason);
  SentMessage* message = wiring_.stage.messages().Find(id);
  if (message == nullptr) return;
  message->outcome = ToOutcome(action.outcome);
  message->commit_number = action.commit_number;
  std::vector<ReplySeen> replies;
  for (const auto& reply : action.replies) {
    replies.push_back({.member = reply.member, .hash = HashOf(reply.bytes)});
  }
  wiring_.Tell(&Observer::OnSendDone, self_, *message, replies);
}

void Application::On(const multicast::PrepareAction& action) {
  MessageId id = MessageRegistry::IdOf(action.message);
  wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "asked to prepare message %llu",
                     static_cast<unsigned long long>(id));
  const WorkloadPlan& plan = wiring_.scenario.workload;
  if (random_.Chance(plan.never)) return;
  bool accept = !random_.Chance(plan.refuse / static_cast<double>(wiring_.stage.members().size()));
  auto reason = static_cast<uint16_t>(multicast::kApplicationReason + 2);
  Duration delay = random_.Chance(0.5)
                       ? Duration::zero()
                       : random_.Between(Duration::zero(), plan_.settings.prepare_timeout * 5 / 4);
  wiring_.queue.After(delay, [this, crashes = crashes_, token = action.token, accept, reason, id] {
    if (crashes == crashes_) Answer(token, accept, reason, id);
  });
}

void Application::Answer(multicast::PrepareToken token, bool accept, uint16_t reason,
                         MessageId id) {
  input_([this, token, accept, reason, id](Core& core, Timestamp now) {
    size_t bytes = 8 + id % 50;
    if (id % 37 == 0) bytes = 5000;
    Bytes reply = MessageRegistry::Payload(id + self_.id().value() * 1000003, bytes);
    uint64_t hash = HashOf(reply);
    wiring_.trace.Line(wiring_.queue.now(), self_.id().value(), "%s message %llu",
                       accept ? "accepts" : "refuses", static_cast<unsigned long long>(id));
    bool waited = core.OnPrepared(token, {.accept = accept, .reason = reason, .reply = reply}, now);
    if (waited && accept) wiring_.Tell(&Observer::OnReplied, self_, id, hash);
  });
}

}  // namespace strata::simulation
