#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multicast/core/core.h"

// For tests: members in one process, in virtual time.
namespace strata::multicast {

struct Delivered {
  uint64_t number;
  uint32_t origin;
  std::string text;
  friend bool operator==(const Delivered&, const Delivered&) = default;
};

// Some members on a perfect LAN with 50 µs of delay, in virtual time.
class Lan {
 public:
  struct Node {
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Core> core;
    std::vector<Delivered> delivered;
    std::map<SendId, SendDoneAction> done;
    std::vector<ViewChangedAction> views;
    std::vector<AlarmAction> alarms;
    std::string state;  // Application: all texts of committed messages.
    bool left = false;
    bool deaf = false;
    bool still = false;  // The process stands still.
    bool refuses = false;
    bool holds_prepares = false;
    bool holds_snapshots = false;
    std::vector<PrepareToken> prepares;
  };

  Node& Add(uint32_t id, Role role, bool found = false, CoreSettings settings = {}) {
    settings.group = GroupId(7);
    settings.found = found;
    SelfDescription self;
    self.id = MemberId(id);
    self.role = role;
    self.priority = static_cast<uint8_t>(id);
    self.unicast = Endpoint{IpAddress::V4(10, 0, 0, static_cast<uint8_t>(id)), 5000};
    Node& node = nodes_[id];
    node = Node();
    node.random = std::make_unique<SeededRandom>(id + 1000);
    node.core = std::make_unique<Core>(settings, self, *node.random);
    EXPECT_TRUE(node.core->Start(disks_[id], 0, now_).ok());
    Execute(id);
    return node;
  }
  void Kill(uint32_t id) { nodes_.erase(id); }  // Its disk stays, for the next Add.
  Node& operator[](uint32_t id) { return nodes_.at(id); }

  SendId Send(uint32_t id, StreamId stream, const std::string& text, SendOptions options = {}) {
    auto sent = nodes_.at(id).core->Send(stream, AsBytes(text), options, now_);
    EXPECT_TRUE(std::holds_alternative<SendId>(sent));
    if (!std::holds_alternative<SendId>(sent)) return 0;
    Turn(id);
    return std::get<SendId>(sent);
  }

  void Run(Duration time) {
    const Timestamp end = now_ + time;
    while (true) {
      Timestamp next = end;
      for (auto& [id, node] : nodes_) {
        if (!node.still) next = std::min(next, node.core->NextDeadline());
      }
      if (!wire_.empty()) next = std::min(next, wire_.front().at);
      for (const Write& write : writes_) next = std::min(next, write.at);
      if (next >= end) break;
      now_ = std::max(now_, next);
      FinishWrites();
      while (!wire_.empty() && wire_.front().at <= now_) {
        Packet packet = std::move(wire_.front());
        wire_.pop_front();
        Arrive(packet);
      }
      for (auto& [id, node] : nodes_) {
        if (!node.still && node.core->NextDeadline() <= now_) node.core->OnTimer(now_);
      }
      std::vector<uint32_t> ids;
      for (auto& [id, node] : nodes_) {
        if (!node.still) ids.push_back(id);
      }
      for (uint32_t id : ids) Turn(id);
    }
    now_ = end;
  }
  void Turn(uint32_t id) {
    nodes_.at(id).core->EndTurn(now_);
    Execute(id);
  }
  Timestamp now() const { return now_; }
  // Drops the next `n` DATA packets to `id`.
  std::map<uint32_t, int> drop_data;
  // Drops all ACK packets of `id` until then.
  std::map<uint32_t, Timestamp> acks_lost_until;
  // Each write of `id` takes so long.
  std::map<uint32_t, Duration> disk_delay;

 private:
  struct Packet {
    Timestamp at;
    uint32_t from;
    uint32_t to;
    bool multicast;
    Bytes bytes;
  };

  struct Write {
    Timestamp at;
    uint32_t id;
    uint64_t persist;
  };
  void FinishWrites() {
    for (const Write& write : std::exchange(writes_, {})) {
      if (write.at > now_) {
        writes_.push_back(write);
      } else if (nodes_.contains(write.id)) {
        nodes_.at(write.id).core->OnPersisted(write.persist, now_);
      }
    }
  }

  void Arrive(const Packet& packet) {
    const auto it = nodes_.find(packet.to);
    if (it == nodes_.end() || it->second.deaf) return;
    const auto header = DecodeHeader(packet.bytes);
    ASSERT_TRUE(std::holds_alternative<Header>(header));
    ReceivedPacket received;
    received.header = std::get<Header>(header);
    received.body = ByteSpan(packet.bytes).subspan(kHeaderBytes);
    received.from = Endpoint{IpAddress::V4(10, 0, 0, static_cast<uint8_t>(packet.from)), 5000};
    received.by_multicast = packet.multicast;
    if (received.header.type == static_cast<uint8_t>(PacketType::kData) &&
        drop_data[packet.to]-- > 0) {
      return;
    }
    if (received.header.type == static_cast<uint8_t>(PacketType::kAck) &&
        now_ < acks_lost_until[packet.from]) {
      return;
    }
    it->second.core->OnPacket(received, now_);
  }

  void Put(uint32_t from, uint32_t to, bool multicast, std::span<uint8_t> datagram) {
    wire_.push_back({now_ + std::chrono::microseconds(50), from, to, multicast,
                     Bytes(datagram.begin(), datagram.end())});
  }

  void Execute(uint32_t id) {
    Node& node = nodes_.at(id);
    for (int rounds = 0; !node.core->actions().empty() && rounds < 10; ++rounds) {
      std::vector<std::pair<uint64_t, int>> persisted;
      std::vector<std::pair<TransferId, std::string>> snapshots;
      for (Action& action : node.core->actions().actions()) {
        std::visit([&](auto& a) { Do(id, node, a, persisted, snapshots); }, action);
      }
      node.core->actions().Clear();
      for (auto& [persist, unused] : persisted) {
        if (disk_delay.contains(id)) {
          writes_.push_back({now_ + disk_delay[id], id, persist});
        } else {
          node.core->OnPersisted(persist, now_);
        }
      }
      for (auto& [transfer, state] : snapshots) {
        node.core->OnSnapshotTaken(transfer, Bytes(state.begin(), state.end()), now_);
      }
      for (PrepareToken token : std::exchange(node.prepares, {})) {
        if (node.holds_prepares) continue;
        Core::PrepareAnswer answer;
        answer.accept = !node.refuses;
        answer.reason = 300;
        const std::string reply = "reply of " + std::to_string(id);
        answer.reply = AsBytes(reply);
        node.core->OnPrepared(token, answer, now_);
      }
      node.core->EndTurn(now_);
    }
  }

  using Persisted = std::vector<std::pair<uint64_t, int>>;
  using Snapshots = std::vector<std::pair<TransferId, std::string>>;
  void Do(uint32_t id, Node&, TransmitAction& a, Persisted&, Snapshots&) {
    if (a.to == Destination::kUnicast) {
      for (auto& [other, node] : nodes_) {
        if (node.core->self().unicast == a.unicast) Put(id, other, false, a.datagram);
      }
      return;
    }
    for (auto& [other, node] : nodes_) {
      if (other != id) Put(id, other, true, a.datagram);
    }
  }
  void Do(uint32_t, Node& node, DeliverAction& a, Persisted&, Snapshots&) {
    const std::string text(AsText(a.message));
    node.delivered.push_back({a.commit_number, a.origin.value(), text});
    if (a.commit_number != 0) node.state += text + ";";
  }
  void Do(uint32_t id, Node&, PersistAction& a, Persisted& persisted, Snapshots&) {
    disks_[id] = a.state;
    persisted.emplace_back(a.id, 0);
  }
  void Do(uint32_t, Node& node, PrepareAction& a, Persisted&, Snapshots&) {
    node.prepares.push_back(a.token);
  }
  void Do(uint32_t, Node& node, SendDoneAction& a, Persisted&, Snapshots&) {
    EXPECT_FALSE(node.done.contains(a.id)) << "a send ended twice";
    node.done[a.id] = a;
  }
  void Do(uint32_t, Node& node, ViewChangedAction& a, Persisted&, Snapshots&) {
    node.views.push_back(a);
  }
  void Do(uint32_t, Node& node, LeftViewAction&, Persisted&, Snapshots&) { node.left = true; }
  void Do(uint32_t, Node&, DivergedAction&, Persisted&, Snapshots&) {}
  void Do(uint32_t, Node& node, TakeSnapshotAction& a, Persisted&, Snapshots& snapshots) {
    if (!node.holds_snapshots) snapshots.emplace_back(a.transfer, node.state);
  }
  void Do(uint32_t, Node& node, InstallSnapshotAction& a, Persisted&, Snapshots&) {
    node.state = std::string(AsText(a.state));
  }
  void Do(uint32_t, Node&, RotateKeyAction&, Persisted&, Snapshots&) {}
  void Do(uint32_t, Node& node, AlarmAction& a, Persisted&, Snapshots&) {
    node.alarms.push_back(a);
  }

  Timestamp now_ = Timestamp::FromNanos(1'000'000'000);
  std::map<uint32_t, Node> nodes_;
  std::map<uint32_t, Bytes> disks_;
  std::deque<Packet> wire_;
  std::vector<Write> writes_;
};

class CoreTest : public ::testing::Test {
 protected:
  // Two managers and two engines, all full.
  void FormFour() {
    lan_.Add(1, Role::kManager, true);
    lan_.Add(2, Role::kManager);
    lan_.Add(3, Role::kEngine);
    lan_.Add(4, Role::kEngine);
    lan_.Run(std::chrono::milliseconds(1500));
    for (uint32_t id = 1; id <= 4; ++id) {
      ASSERT_EQ(lan_[id].core->status(), MemberStatus::kFull) << "member " << id;
      ASSERT_EQ(lan_[id].core->view().members.size(), 4u);
    }
  }
  // Slower than others wait for at once, and not so slow that a view change seems stuck.
  void SlowDown(std::vector<uint32_t> ids) {
    for (uint32_t id : ids) lan_.disk_delay[id] = CoreSettings().collect_timeout * 6 / 5;
  }
  void ExpectEqualStates(std::vector<uint32_t> ids) {
    for (uint32_t id : ids) EXPECT_EQ(lan_[id].state, lan_[ids[0]].state) << "member " << id;
  }
  Lan lan_;
};

}  // namespace strata::multicast
