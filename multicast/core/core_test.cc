#include "multicast/core/core.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

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
    wire_.push_back(
        {now_ + microseconds(50), from, to, multicast, Bytes(datagram.begin(), datagram.end())});
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
    lan_.Run(milliseconds(1500));
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

TEST_F(CoreTest, FoundsAGroupOfOneAndCommitsAlone) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(10));
  ASSERT_EQ(lan_[1].core->status(), MemberStatus::kFull);
  const SendId id = lan_.Send(1, 0, "hello");
  lan_.Run(milliseconds(5));
  EXPECT_EQ(lan_[1].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[1].state, "hello;");
}

TEST_F(CoreTest, JoinersBecomeFullMembers) { FormFour(); }

TEST_F(CoreTest, CommitsAMessageInThreeHops) {
  FormFour();
  const SendId id = lan_.Send(3, 0, "hello");
  lan_.Run(microseconds(200));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  for (uint32_t member = 1; member <= 4; ++member) {
    EXPECT_EQ(lan_[member].state, "hello;") << "member " << member;
  }
}

TEST_F(CoreTest, OrdersMessagesOfSeveralSendersEqually) {
  FormFour();
  for (int i = 0; i < 50; ++i) {
    for (uint32_t member = 1; member <= 4; ++member) {
      lan_.Send(member, static_cast<StreamId>(i % 3), std::to_string(member * 1000 + i));
    }
  }
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[1].delivered.size(), 200u);
  for (uint32_t member = 2; member <= 4; ++member) {
    EXPECT_EQ(lan_[member].delivered, lan_[1].delivered);
  }
}

TEST_F(CoreTest, DeliversAMessageOfManyRecords) {
  FormFour();
  std::string large(3'000'000, 'x');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  const SendId id = lan_.Send(2, 1, large);
  lan_.Run(milliseconds(500));
  ASSERT_TRUE(lan_[2].done.contains(id));
  ASSERT_EQ(lan_[4].delivered.size(), 1u);
  EXPECT_TRUE(lan_[4].delivered[0].text == large);
}

TEST_F(CoreTest, RepairsALostLastPacketWithinTwoMilliseconds) {
  FormFour();
  lan_.drop_data[4] = 1;
  const SendId id = lan_.Send(3, 0, "lost");
  lan_.Run(milliseconds(2));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, AsksForNothingThatMayBeAmongWhatIsUnread) {
  FormFour();
  lan_.drop_data[4] = 1;
  lan_.Send(3, 0, "lost");
  lan_.Send(3, 0, "heard");
  lan_.Run(microseconds(300));
  Core& core = *lan_[4].core;
  core.EndTurn(lan_.now() + milliseconds(1), true);
  EXPECT_EQ(core.counters()[Counter::kResendsSent], 0u);
  core.EndTurn(lan_.now() + milliseconds(1), false);
  EXPECT_EQ(core.counters()[Counter::kResendsSent], 1u);
}

TEST_F(CoreTest, ReceivedDeliveryReachesEverybodyAndEnds) {
  FormFour();
  SendOptions options;
  options.received = true;
  const SendId id = lan_.Send(3, 2, "load", options);
  lan_.Run(milliseconds(60));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kReceived);
  for (uint32_t member = 1; member <= 4; ++member) {
    ASSERT_EQ(lan_[member].delivered.size(), 1u);
    EXPECT_EQ(lan_[member].delivered[0].number, 0u);
  }
}

TEST_F(CoreTest, PreparedMessageBringsEveryReply) {
  FormFour();
  SendOptions options;
  options.prepare = options.replies = true;
  const SendId id = lan_.Send(1, 0, "ask", options);
  lan_.Run(milliseconds(50));
  ASSERT_TRUE(lan_[1].done.contains(id));
  EXPECT_EQ(lan_[1].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[1].done[id].replies.size(), 4u);
}

TEST_F(CoreTest, OneRefusalAbortsEverywhere) {
  FormFour();
  lan_[4].refuses = true;
  SendOptions options;
  options.prepare = true;
  const SendId refused = lan_.Send(3, 0, "refused", options);
  lan_.Run(milliseconds(50));
  const SendId after = lan_.Send(3, 0, "after");
  lan_.Run(milliseconds(50));
  ASSERT_TRUE(lan_[3].done.contains(refused));
  EXPECT_EQ(lan_[3].done[refused].outcome, SendOutcome::kAborted);
  EXPECT_EQ(lan_[3].done[refused].reason, 300);
  EXPECT_EQ(lan_[3].done[after].outcome, SendOutcome::kCommitted);
  for (uint32_t member = 1; member <= 4; ++member) EXPECT_EQ(lan_[member].state, "after;");
}

TEST_F(CoreTest, SenderAbortsWhatIsNotCommitted) {
  FormFour();
  lan_[4].holds_prepares = true;
  SendOptions options;
  options.prepare = true;
  const SendId id = lan_.Send(3, 0, "held", options);
  lan_.Run(milliseconds(5));
  EXPECT_TRUE(lan_[3].core->Abort(id, 0, lan_.now()));
  lan_.Turn(3);
  lan_.Run(milliseconds(20));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kAborted);
  ExpectEqualStates({1, 2, 3, 4});
  EXPECT_EQ(lan_[1].state, "");
}

TEST_F(CoreTest, EvictsADeadEngineAndGoesOn) {
  FormFour();
  lan_.Kill(4);
  const SendId id = lan_.Send(3, 0, "stalls");
  lan_.Run(milliseconds(320));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[3].core->view().members.size(), 3u);
}

TEST_F(CoreTest, BackupTakesOverFromADeadSm) {
  FormFour();
  lan_.Kill(1);
  const SendId id = lan_.Send(3, 0, "survives");
  lan_.Run(milliseconds(400));
  ASSERT_TRUE(lan_[3].done.contains(id));
  EXPECT_EQ(lan_[3].done[id].outcome, SendOutcome::kCommitted);
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
  ExpectEqualStates({2, 3, 4});
}

TEST_F(CoreTest, RestartedMemberLearnsTheStateAndBecomesFull) {
  FormFour();
  lan_.Send(3, 0, "before");
  lan_.Run(milliseconds(10));
  lan_.Kill(4);
  lan_.Run(milliseconds(400));
  lan_.Send(3, 0, "meanwhile");
  lan_.Add(4, Role::kEngine);
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].state, "before;meanwhile;");
}

TEST_F(CoreTest, DeafMemberIsEvictedAndComesBack) {
  FormFour();
  lan_[4].deaf = true;
  lan_.Run(milliseconds(100));
  lan_.Send(3, 0, "unheard");
  lan_.Run(milliseconds(4000));
  EXPECT_EQ(lan_[3].core->view().members.size(), 3u);
  lan_[4].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_TRUE(lan_[4].left);
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, WhoStartsOverGetsTheStateAnew) {
  FormFour();
  lan_.Send(3, 0, "before");
  lan_.Run(milliseconds(10));
  lan_[4].state = "something else";
  EXPECT_FALSE(lan_[1].core->StartOver(lan_.now()));  // The SM's state is the group's.
  EXPECT_TRUE(lan_[4].core->StartOver(lan_.now()));
  EXPECT_FALSE(lan_[4].core->StartOver(lan_.now()));
  lan_.Turn(4);
  EXPECT_TRUE(lan_[4].left);
  lan_.Send(3, 0, "meanwhile");
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].state, "before;meanwhile;");
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, WhoIsToBeFullWhenReadyStaysALearnerUntilThen) {
  FormFour();
  CoreSettings settings;
  settings.full_when_ready = true;
  lan_.Add(5, Role::kManager, false, settings);
  lan_.Run(milliseconds(2000));
  Core& core = *lan_[5].core;
  EXPECT_EQ(core.status(), MemberStatus::kLearner);
  EXPECT_TRUE(core.synced());
  EXPECT_FALSE(core.Promote(lan_.now()));
  EXPECT_TRUE(core.Ready(core.view().number));
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(core.status(), MemberStatus::kFull);
  // What was said of one membership does not count for the next one.
  const uint32_t number = core.view().number;
  EXPECT_TRUE(core.StartOver(lan_.now()));
  lan_.Turn(5);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(core.status(), MemberStatus::kLearner);
  EXPECT_FALSE(core.Ready(number));
  EXPECT_TRUE(core.Ready(core.view().number));
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(core.status(), MemberStatus::kFull);
  ExpectEqualStates({1, 2, 3, 4, 5});
}

TEST_F(CoreTest, WhoWasReadyUnderOneSmHasToSayItAnewUnderTheNext) {
  FormFour();
  CoreSettings settings;
  settings.full_when_ready = true;
  lan_.Add(5, Role::kManager, false, settings);
  lan_.Run(milliseconds(2000));
  Core& core = *lan_[5].core;
  ASSERT_EQ(core.status(), MemberStatus::kLearner);
  const uint32_t under_first = core.view().number;
  lan_.drop_data[5] = 1000;  // It lacks what the next view commits: it stays a learner there.
  lan_.Send(3, 0, "lacking");
  lan_.Run(milliseconds(1));
  EXPECT_TRUE(core.Ready(under_first));
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(20));
  ASSERT_EQ(core.view().members[0].id, MemberId(2));
  ASSERT_EQ(core.status(), MemberStatus::kLearner);
  lan_.drop_data[5] = 0;
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(core.status(), MemberStatus::kLearner);
  EXPECT_FALSE(core.Ready(under_first));
  EXPECT_TRUE(core.Ready(core.view().number));
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(core.status(), MemberStatus::kFull);
  ExpectEqualStates({1, 2, 3, 4, 5});
}

TEST_F(CoreTest, WhoIsAliveAndHasASlowDiskIsNotLeftOutOfAView) {
  FormFour();
  SlowDown({4});
  lan_.Kill(3);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(lan_[1].core->view().members.size(), 3u);
  EXPECT_FALSE(lan_[4].left);
  EXPECT_EQ(lan_[4].core->view(), lan_[1].core->view());
}

TEST_F(CoreTest, AViewIsAgreedThoughNoMajorityHasAFastDisk) {
  FormFour();
  SlowDown({3, 4});
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(300));
  EXPECT_EQ(lan_[1].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[1].core->view().members.size(), 4u);
  EXPECT_EQ(lan_[2].core->counters()[Counter::kProposalsFailed], 0u);
}

TEST_F(CoreTest, WhoStartsOverWhileItProposesGivesUpAndJoinsAgain) {
  FormFour();
  SlowDown({3, 4});
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(10));
  EXPECT_TRUE(lan_[2].core->StartOver(lan_.now()));
  lan_.Turn(2);
  lan_.Run(milliseconds(3000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[2].core->view(), lan_[1].core->view());
}

// The SM had queued it while the view changed in which the fourth became full.
TEST_F(CoreTest, WhatWasNotSentYetIsReceivedOnlyWhenWhoBecameFullHasItToo) {
  lan_.Add(1, Role::kManager, true);
  lan_.Add(2, Role::kManager);
  lan_.Add(3, Role::kEngine);
  lan_.Run(milliseconds(1500));
  SendOptions options;
  options.received = true;
  lan_.Send(1, 2, "earlier", options);
  lan_.Run(milliseconds(100));
  lan_.Add(4, Role::kEngine);
  const auto is_promoted = [this] {
    const View& view = lan_[1].core->view();
    const Slot slot = view.SlotOf(MemberId(4));
    return slot != kNoSlot && view.members[slot].status == MemberStatus::kLearner &&
           lan_[4].core->synced() && lan_[1].core->frozen();
  };
  for (int i = 0; i < 100'000 && !is_promoted(); ++i) lan_.Run(microseconds(10));
  ASSERT_TRUE(is_promoted());
  const SendId id = lan_.Send(1, 2, "load", options);
  lan_.drop_data[4] = 3;
  for (int i = 0; i < 100'000 && !lan_[1].done.contains(id); ++i) lan_.Run(microseconds(10));
  ASSERT_TRUE(lan_[1].done.contains(id));
  EXPECT_EQ(lan_[4].core->status(), MemberStatus::kFull);
  EXPECT_EQ(lan_[4].delivered.size(), 1u);
}

TEST_F(CoreTest, TellsWhenItHeardAMajorityLast) {
  FormFour();
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(100));
  const Timestamp cut = lan_.now();
  lan_[1].deaf = true;
  lan_.Run(milliseconds(200));
  EXPECT_LE(lan_[1].core->majority_heard() - cut, milliseconds(1));
  EXPECT_LE(lan_.now() - lan_[3].core->majority_heard(), milliseconds(100));
  lan_.Run(milliseconds(2000));
  EXPECT_LE(lan_[1].core->majority_heard() - cut, milliseconds(1)) << "it leads nobody";
  lan_[1].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(100));
}

TEST_F(CoreTest, AfterAStandstillAMajorityHasToBeHeardAgain) {
  FormFour();
  lan_[3].still = lan_[3].deaf = true;
  const Timestamp stood = lan_.now();
  lan_.Run(milliseconds(2000));
  lan_[3].still = false;
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[3].core->status(), MemberStatus::kFull) << "it does not know better yet";
  EXPECT_LE(lan_[3].core->majority_heard() - stood, milliseconds(1));
  lan_[3].deaf = false;
  lan_.Run(milliseconds(3000));
  EXPECT_LE(lan_.now() - lan_[3].core->majority_heard(), milliseconds(100));
}

TEST_F(CoreTest, AloneItIsAMajority) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(500));
  EXPECT_LE(lan_.now() - lan_[1].core->majority_heard(), milliseconds(11));
}

TEST_F(CoreTest, OneOfTwoLeadsWithoutTheOtherWhenAPersonSaysSo) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(500));
  lan_.Add(2, Role::kManager);
  lan_.Run(milliseconds(2000));
  lan_.Send(1, 0, "before");
  lan_.Run(milliseconds(100));
  EXPECT_FALSE(lan_[1].core->LeadAnyway());
  lan_.Kill(1);
  lan_.Run(milliseconds(4000));
  EXPECT_NE(lan_[2].core->view().members[0].id, MemberId(2));
  EXPECT_TRUE(lan_[2].core->LeadAnyway());
  lan_.Run(milliseconds(2000));
  ASSERT_EQ(lan_[2].core->view().members.size(), 1u);
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
  lan_.Send(2, 0, "after");
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[2].state, "before;after;");
  lan_.Add(1, Role::kManager);
  lan_.Run(milliseconds(4000));
  EXPECT_EQ(lan_[1].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[1].state, lan_[2].state);
}

TEST_F(CoreTest, WhoWasNoFullMemberLeadsWhenAPersonSaysSo) {
  CoreSettings settings;
  settings.lead_only_if_full = settings.full_when_ready = true;
  lan_.Add(1, Role::kManager, true, settings);
  lan_.Run(milliseconds(500));
  lan_.Add(2, Role::kManager, false, settings);
  lan_.Run(milliseconds(2000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kLearner);
  lan_.Kill(1);
  lan_.Run(milliseconds(4000));
  EXPECT_TRUE(lan_[2].core->LeadAnyway());
  lan_.Run(milliseconds(3000));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  ASSERT_FALSE(lan_[2].core->view().members.empty());
  EXPECT_EQ(lan_[2].core->view().members[0].id, MemberId(2));
}

TEST_F(CoreTest, PromotionMovesTheSmWithoutLoss) {
  FormFour();
  lan_.Send(3, 0, "one");
  EXPECT_TRUE(lan_[2].core->Promote(lan_.now()));
  lan_.Turn(2);
  lan_.Send(3, 0, "two");
  lan_.Run(milliseconds(100));
  EXPECT_EQ(lan_[3].core->view().members[0].id, MemberId(2));
  EXPECT_EQ(lan_[3].core->view().members.size(), 4u);
  ExpectEqualStates({1, 2, 3, 4});
  EXPECT_EQ(lan_[1].state, "one;two;");
}

TEST_F(CoreTest, SmIsGrantedCreditBeyondTheFirstLimit) {
  FormFour();
  constexpr size_t kMessages = 20000;  // More than a receiver's capacity of 16384 records.
  size_t sent = 0;
  for (int step = 0; step < 20000 && lan_[1].done.size() < kMessages; ++step) {
    while (sent < kMessages && std::holds_alternative<SendId>(
                                   lan_[1].core->Send(0, AsBytes("credit"), {}, lan_.now()))) {
      ++sent;
    }
    lan_.Turn(1);
    lan_.Run(microseconds(200));
  }
  EXPECT_EQ(lan_[1].done.size(), kMessages);
  ExpectEqualStates({1, 2, 3, 4});
}

TEST_F(CoreTest, ForeignDurableStateIsRefused) {
  SeededRandom random(1);
  SelfDescription self;
  self.id = MemberId(1);
  Core core({}, self, random);
  const Bytes garbage = {1, 2, 3};
  EXPECT_FALSE(core.Start(garbage, 0, Timestamp()).ok());
}

TEST_F(CoreTest, ALearnerWhoseAcksWereLostIsPromotedInAQuietGroup) {
  lan_.Add(1, Role::kManager, true);
  lan_.Run(milliseconds(100));
  for (int i = 0; i < 300; ++i) lan_.Send(1, 0, "message");
  lan_.Run(milliseconds(100));
  lan_.Add(2, Role::kEngine);
  lan_.acks_lost_until[2] = lan_.now() + milliseconds(500);
  lan_.Run(milliseconds(500));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kLearner);
  lan_.Run(milliseconds(1500));
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
}

TEST_F(CoreTest, AManagerWithoutStateFoundsAnewWhenItsDonorIsGone) {
  lan_.Add(1, Role::kManager, true);
  lan_.Add(2, Role::kEngine);
  lan_.Run(milliseconds(1000));
  ASSERT_EQ(lan_[2].core->status(), MemberStatus::kFull);
  lan_[2].holds_snapshots = true;
  lan_.Kill(1);
  lan_.Add(1, Role::kManager);
  lan_.Run(milliseconds(2000));
  ASSERT_EQ(lan_[1].core->status(), MemberStatus::kFull) << "it manages for engine 2";
  ASSERT_FALSE(lan_[1].core->synced());
  lan_.Kill(2);
  lan_.Add(2, Role::kEngine);
  lan_.Run(milliseconds(4000));
  EXPECT_TRUE(lan_[1].core->synced());
  EXPECT_EQ(lan_[2].core->status(), MemberStatus::kFull);
}

}  // namespace
}  // namespace strata::multicast
