#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/event_queue.h"
#include "tests/simulation/fake_member.h"
#include "tests/simulation/message_registry.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// Three members, the first one the SM, whose history a test makes by hand. Each checker is shown a
// good one, about which it must be silent, and a bad one, which it must catch.
class CheckerCase : public testing::Test {
 protected:
  CheckerCase() {
    for (uint32_t id = 1; id <= 3; ++id) {
      members_.push_back(std::make_unique<FakeMember>(id));
      members_.back()->current = MakeView(1, 1, {1, 2, 3});
      stage_.Add(members_.back().get());
    }
  }

  FakeMember& m(uint32_t id) { return *members_[id - 1]; }
  bool Caught(const std::string& checker) const {
    const auto& failures = stage_.failures();
    return std::any_of(failures.begin(), failures.end(),
                       [&](const Failure& failure) { return failure.checker == checker; });
  }
  bool Silent() const { return stage_.failures().empty(); }

  void ShowViews(Observer& observer) {
    for (auto& member : members_) {
      observer.OnViewChanged(*member, member->current, multicast::MemberStatus::kFull);
    }
  }
  PacketPtr AckOf(uint32_t from, multicast::Seq seq) {
    multicast::Ack ack;
    ack.positions = {{.slot = 0, .stream = 0, .seq = seq}};
    return Encoded(m(from), multicast::PacketType::kAck, ack);
  }
  PacketPtr CommitOf(uint32_t from, uint64_t number, multicast::Seq seq) {
    multicast::Commit commit;
    commit.first = number;
    multicast::LogRecord record;
    record.positions = {{.slot = 0, .stream = 0, .seq = seq}};
    commit.records = {record};
    return Encoded(m(from), multicast::PacketType::kCommit, commit);
  }
  PacketPtr ClosedAbort(uint64_t number, multicast::Seq seq) {
    multicast::Commit commit;
    commit.first = number;
    multicast::LogRecord record;
    record.kind = multicast::LogRecord::Kind::kAborted;
    record.ranges = {{.slot = 0, .stream = 0, .reason = 1, .from = seq, .to = seq}};
    commit.records = {record};
    return Encoded(m(1), multicast::PacketType::kCommit, commit);
  }
  SentMessage& Send(uint32_t origin, MessageId id, bool received = false) {
    SentMessage message;
    message.id = id;
    message.origin = multicast::MemberId(origin);
    message.incarnation = FakeMember::IncarnationOf(origin);
    message.hash = id * 7;
    message.bytes = 100;
    message.received = received;
    return messages_.Add(message);
  }
  Delivery DeliveryOf(const SentMessage& message, uint64_t number, multicast::Seq seq) {
    return {.origin = message.origin,
            .stream = message.stream,
            .last_seq = seq,
            .number = number,
            .id = message.id,
            .hash = message.hash,
            .bytes = message.bytes};
  }
  // Tells the observers, then appends to the member's state.
  void Deliver(uint32_t member, const SentMessage& message, uint64_t number, multicast::Seq seq,
               const std::vector<Observer*>& observers) {
    Delivery delivery = DeliveryOf(message, number, seq);
    for (Observer* observer : observers) observer->OnDeliver(m(member), delivery);
    if (number == 0) return;
    m(member).has.Append({.number = number,
                          .origin = delivery.origin,
                          .stream = delivery.stream,
                          .id = delivery.id,
                          .hash = delivery.hash});
  }

  EventQueue queue_;
  MessageRegistry messages_;
  Stage stage_{messages_, queue_};
  std::vector<std::unique_ptr<FakeMember>> members_;
};

}  // namespace strata::simulation
