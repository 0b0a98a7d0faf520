#include "multicast/core/core_fuzz_history.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "common/check.h"

namespace strata::multicast::fuzz {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Timestamp kStart = Timestamp::FromNanos(1'000'000'000);
constexpr Duration kHistory = milliseconds(1500);
constexpr Duration kDelay = microseconds(50);

}  // namespace

CoreSettings SettingsOf(uint32_t member) {
  CoreSettings settings;
  settings.group = GroupId(7);
  settings.found = member == 1;
  return settings;
}

SelfDescription SelfOf(uint32_t member) {
  SelfDescription self;
  self.id = MemberId(member);
  self.role = member <= 2 ? Role::kManager : Role::kEngine;
  self.priority = static_cast<uint8_t>(member);
  self.unicast = {IpAddress::V4(10, 0, 0, static_cast<uint8_t>(member)), 5000};
  return self;
}

// Runs the group once and writes down what one member was told.
class History::Lan {
 public:
  Lan(History& history) : history_(history) {
    for (uint32_t id = 1; id <= kMembers; ++id) {
      Node& node = nodes_[id];
      node.random = std::make_unique<SeededRandom>(id);
      node.core = std::make_unique<Core>(SettingsOf(id), SelfOf(id), *node.random);
      STRATA_CHECK(node.core->Start({}, 0, now_).ok());
      Execute(id);
    }
  }

  void Run(Timestamp end) {
    while (now_ < end) {
      Timestamp next = wire_.empty() ? end : std::min(end, wire_.front().second.at);
      for (auto& [id, node] : nodes_) next = std::min(next, node.core->NextDeadline());
      now_ = std::max(now_, next);
      while (!wire_.empty() && wire_.front().second.at <= now_) {
        auto [to, step] = std::move(wire_.front());
        wire_.pop_front();
        Do(to, std::move(step));
      }
      for (auto& [id, node] : nodes_) {
        if (node.core->NextDeadline() <= now_) Do(id, {Step::Kind::kTimer, now_, {}, {}, 0});
        Do(id, {Step::Kind::kEndTurn, now_, {}, {}, 0});
        Execute(id);
      }
    }
  }

 private:
  struct Node {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Core> core;
  };

  void Do(uint32_t id, Step step) {
    Tell(*nodes_[id].core, step);
    if (id == history_.member_) history_.steps_.push_back(std::move(step));
  }

  void Execute(uint32_t id) {
    Core& core = *nodes_[id].core;
    while (!core.actions().empty()) {
      std::vector<Step> answers;
      for (const Action& action : core.actions().actions()) {
        if (const auto* transmit = std::get_if<TransmitAction>(&action)) Put(id, *transmit);
        if (const auto* persist = std::get_if<PersistAction>(&action)) {
          answers.push_back({Step::Kind::kPersisted, now_, {}, {}, persist->id});
        }
        if (const auto* take = std::get_if<TakeSnapshotAction>(&action)) {
          answers.push_back({Step::Kind::kTaken, now_, {}, {}, take->transfer});
        }
      }
      core.actions().Clear();
      for (Step& answer : answers) Do(id, std::move(answer));
      Do(id, {Step::Kind::kEndTurn, now_, {}, {}, 0});
    }
  }

  void Put(uint32_t from, const TransmitAction& transmit) {
    const Decoded<Header> header = DecodeHeader(transmit.datagram);
    STRATA_CHECK(std::holds_alternative<Header>(header));
    for (auto& [id, node] : nodes_) {
      const bool unicast = transmit.to == Destination::kUnicast;
      if (id == from || (unicast && SelfOf(id).unicast != transmit.unicast)) continue;
      Step step{Step::Kind::kPacket, now_ + kDelay, {}, {}, 0};
      step.packet.header = std::get<Header>(header);
      step.packet.from = SelfOf(from).unicast;
      step.packet.by_multicast = !unicast;
      step.bytes.assign(transmit.datagram.begin() + kHeaderBytes, transmit.datagram.end());
      wire_.emplace_back(id, std::move(step));
    }
  }

  History& history_;
  Timestamp now_ = kStart;
  std::map<uint32_t, Node> nodes_;
  std::deque<std::pair<uint32_t, Step>> wire_;
};

History::History(uint32_t member) : member_(member), end_(kStart + kHistory) {
  Lan(*this).Run(end_);
}

void History::Tell(Core& core, const Step& step) {
  switch (step.kind) {
    case Step::Kind::kPacket: {
      ReceivedPacket packet = step.packet;
      packet.body = step.bytes;
      core.OnPacket(packet, step.at);
      break;
    }
    case Step::Kind::kTimer:
      core.OnTimer(step.at);
      break;
    case Step::Kind::kPersisted:
      core.OnPersisted(step.id, step.at);
      break;
    case Step::Kind::kTaken:
      core.OnSnapshotTaken(step.id, {}, step.at);
      break;
    case Step::Kind::kEndTurn:
      core.EndTurn(step.at);
  }
}

std::unique_ptr<Core> History::Replay(RandomSource& random) const {
  auto core = std::make_unique<Core>(SettingsOf(member_), SelfOf(member_), random);
  STRATA_CHECK(core->Start({}, 0, kStart).ok());
  core->actions().Clear();
  for (const Step& step : steps_) {
    Tell(*core, step);
    if (step.kind == Step::Kind::kEndTurn) core->actions().Clear();
  }
  STRATA_CHECK(core->status() == MemberStatus::kFull && core->view().members.size() == kMembers);
  return core;
}

}  // namespace strata::multicast::fuzz
