#include "multicast/group.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/bytes.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "multicast/driver/interceptor.h"
#include "multicast/driver/private_network.h"
#include "multicast/group_test_member.h"

namespace strata::multicast {
namespace {

const bool kPrivateNetwork = EnterPrivateNetwork();

struct Member {
  Recorder recorder;
  std::unique_ptr<Group> group;
};

class GroupTest : public testing::Test {
 protected:
  ~GroupTest() override {
    for (auto& member : members_) member->group.reset();  // Before any recorder goes.
  }
  // Changes the options of each member before it joins.
  virtual void Adjust(GroupOptions&) {}

  Member& Join(uint32_t id) { return Join(id, TestOptions(network_, id)); }
  Member& Join(uint32_t id, GroupOptions options) {
    Adjust(options);
    options.member = MemberId(id);
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    auto group = Group::Join(options, member.recorder);
    EXPECT_TRUE(group.ok()) << MessageOf(group.status());
    if (group.ok()) member.group = *std::move(group);
    return member;
  }
  void JoinAll(uint32_t count) {
    for (uint32_t id = 1; id <= count; ++id) Join(id);
    ASSERT_TRUE(AllFull(count));
  }
  bool AllFull(size_t count) {
    return std::all_of(members_.begin(), members_.end(), [&](auto& member) {
      return member->group == nullptr || member->recorder.WaitUntil([&](const Recorder& r) {
        return r.view_.members.size() == count &&
               std::all_of(r.view_.members.begin(), r.view_.members.end(),
                           [](const auto& m) { return m.status == MemberStatus::kFull; });
      });
    });
  }
  // Sends, again while the queue is full.
  SendId Send(Member& member, const std::string& text, const SendOptions& options = {}) {
    while (true) {
      auto sent = member.group->Send(0, AsBytes(text), options);
      if (const SendId* id = std::get_if<SendId>(&sent)) return *id;
      if (std::get<SendRefusal>(sent) != SendRefusal::kQueueFull) return 0;
      std::this_thread::yield();
    }
  }
  bool AllHave(size_t count) {
    return std::all_of(members_.begin(), members_.end(), [&](auto& member) {
      return member->group == nullptr || member->recorder.WaitUntil([&](const Recorder& r) {
        return r.messages_.size() >= count;
      });
    });
  }
  static bool Ended(Member& member, SendId id) {
    return member.recorder.WaitUntil([&](const Recorder& r) { return r.done_.contains(id); });
  }
  void SendFromAll(int each) {
    for (int i = 0; i < each; ++i) {
      for (auto& member : members_) ASSERT_NE(Send(*member, "m" + std::to_string(i)), 0u);
    }
  }
  void ExpectSameMessages(size_t count) {
    ASSERT_TRUE(AllHave(count));
    const std::vector<std::string> first = members_[0]->recorder.messages();
    EXPECT_EQ(first.size(), count);
    for (auto& member : members_) EXPECT_EQ(member->recorder.messages(), first);
  }

  TestNetwork network_ = {.port = FreshPort()};
  std::vector<std::unique_ptr<Member>> members_;
};

TEST_F(GroupTest, DeliversEverythingInOneOrderToThreeMembers) {
  JoinAll(3);
  SendFromAll(300);
  ExpectSameMessages(900);
  EXPECT_EQ(members_[0]->group->counters().driver[DriverCounter::kForged], 0u);
}

TEST_F(GroupTest, TellsEachSenderThatItsSendWasCommitted) {
  JoinAll(3);
  for (auto& member : members_) {
    SendId id = Send(*member, "hello");
    ASSERT_TRUE(Ended(*member, id));
    EXPECT_EQ(member->recorder.done()[id].outcome, SendOutcome::kCommitted);
    EXPECT_GT(member->recorder.done()[id].commit_number, 0u);
  }
}

TEST_F(GroupTest, TakesSendsFromManyThreads) {
  JoinAll(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 500; ++i) EXPECT_NE(Send(*members_[1], "x"), 0u);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(AllHave(2000));
  ASSERT_TRUE(
      members_[1]->recorder.WaitUntil([](const Recorder& r) { return r.done_.size() == 2000; }));
  EXPECT_EQ(members_[1]->recorder.done().rbegin()->first, 2000u);
}

TEST_F(GroupTest, CarriesMessagesOfManyDatagrams) {
  JoinAll(3);
  std::string big(1'000'000, 'b');
  SendId id = Send(*members_[2], big);
  ASSERT_TRUE(Ended(*members_[2], id));
  ASSERT_TRUE(AllHave(1));
  for (auto& member : members_) EXPECT_EQ(member->recorder.messages()[0], "3:" + big);
}

TEST_F(GroupTest, DeliversReceivedMessagesWithoutACommitNumber) {
  JoinAll(3);
  const SendId id = Send(*members_[1], "load 17", {.received = true});
  ASSERT_TRUE(Ended(*members_[1], id));
  EXPECT_EQ(members_[1]->recorder.done()[id].outcome, SendOutcome::kReceived);
  EXPECT_EQ(members_[1]->recorder.done()[id].commit_number, 0u);
  ASSERT_TRUE(AllHave(1));
  for (auto& member : members_) EXPECT_EQ(member->recorder.messages()[0], "2:load 17");
}

TEST_F(GroupTest, LetsCallbacksSend) {
  Member& one = Join(1);
  Member& two = Join(2);
  two.recorder.on_deliver_ = [&](const DeliverAction& message) {
    if (message.origin == MemberId(1)) two.group->Send(0, AsBytes("answer"));
  };
  ASSERT_TRUE(AllFull(2));
  Send(one, "question");
  ASSERT_TRUE(AllHave(2));
  EXPECT_EQ(one.recorder.messages(), (std::vector<std::string>{"1:question", "2:answer"}));
}

TEST_F(GroupTest, RefusesSendsBeforeThereIsAView) {
  Member& lonely = Join(2);
  auto sent = lonely.group->Send(0, AsBytes("too early"));
  ASSERT_TRUE(std::holds_alternative<SendRefusal>(sent));
  EXPECT_EQ(std::get<SendRefusal>(sent), SendRefusal::kNotMember);
}

TEST_F(GroupTest, RefusesWhatCannotBeSent) {
  JoinAll(1);
  Group& group = *members_[0]->group;
  auto refusal = [](std::variant<SendId, SendRefusal> sent) {
    return std::holds_alternative<SendRefusal>(sent) ? std::get<SendRefusal>(sent)
                                                     : SendRefusal::kNotMember;
  };
  EXPECT_EQ(refusal(group.Send(8, AsBytes("x"))), SendRefusal::kBadStream);
  EXPECT_EQ(refusal(group.Send(1, AsBytes("x"), {.received = true, .prepare = true})),
            SendRefusal::kBadOptions);
  EXPECT_EQ(refusal(group.Send(1, Bytes(kMaxMessageBytes + 1))), SendRefusal::kTooLong);
  EXPECT_TRUE(std::holds_alternative<SendId>(group.Send(1, AsBytes("x"), {.received = true})));
  EXPECT_EQ(refusal(group.Send(1, AsBytes("x"))), SendRefusal::kBadStream);
}

TEST_F(GroupTest, CollectsTheRepliesOfAll) {
  for (uint32_t id = 1; id <= 3; ++id) {
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    member.recorder.on_prepare_ = [id](const PrepareAction&) {
      return PrepareAnswer{.reply = Bytes{static_cast<uint8_t>(id)}};
    };
    member.group = *Group::Join(TestOptions(network_, id), member.recorder);
  }
  ASSERT_TRUE(AllFull(3));
  SendId id = Send(*members_[1], "who?", {.prepare = true, .replies = true});
  ASSERT_TRUE(Ended(*members_[1], id));
  SendDoneAction done = members_[1]->recorder.done()[id];
  EXPECT_EQ(done.outcome, SendOutcome::kCommitted);
  ASSERT_EQ(done.replies.size(), 3u);
  for (const Reply& reply : done.replies) {
    EXPECT_EQ(reply.bytes, Bytes{static_cast<uint8_t>(reply.member.value())});
  }
}

TEST_F(GroupTest, WaitsForAnAnswerThatComesLater) {
  Member& one = Join(1);
  Member& two = *members_.emplace_back(std::make_unique<Member>());
  two.recorder.on_prepare_ = [](const PrepareAction&) { return std::nullopt; };
  two.group = *Group::Join(TestOptions(network_, 2), two.recorder);
  ASSERT_TRUE(AllFull(2));
  SendId refused = Send(one, "may I?", {.prepare = true});
  ASSERT_TRUE(two.recorder.WaitUntil([](const Recorder& r) { return r.prepares_.size() == 1; }));
  EXPECT_FALSE(one.recorder.done().contains(refused));
  PrepareAnswer no = {.accept = false, .reason = 300, .reply = {}};
  ASSERT_TRUE(two.group->Answer(two.recorder.prepares()[0].token, no).ok());
  ASSERT_TRUE(Ended(one, refused));
  EXPECT_EQ(one.recorder.done()[refused].outcome, SendOutcome::kAborted);

  SendId accepted = Send(one, "please", {.prepare = true});
  ASSERT_TRUE(two.recorder.WaitUntil([](const Recorder& r) { return r.prepares_.size() == 2; }));
  ASSERT_TRUE(two.group->Answer(two.recorder.prepares()[1].token, {}).ok());
  ASSERT_TRUE(Ended(one, accepted));
  EXPECT_EQ(one.recorder.done()[accepted].outcome, SendOutcome::kCommitted);
  ASSERT_TRUE(AllHave(1));
  EXPECT_EQ(two.recorder.messages(), std::vector<std::string>{"1:please"});
}

TEST_F(GroupTest, AbortsWhatNobodyAccepted) {
  Member& one = Join(1);
  Member& two = *members_.emplace_back(std::make_unique<Member>());
  two.recorder.on_prepare_ = [](const PrepareAction&) { return std::nullopt; };
  two.group = *Group::Join(TestOptions(network_, 2), two.recorder);
  ASSERT_TRUE(AllFull(2));
  SendId id = Send(one, "never mind", {.prepare = true});
  ASSERT_TRUE(two.recorder.WaitUntil([](const Recorder& r) { return r.prepares_.size() == 1; }));
  ASSERT_TRUE(one.group->Abort(id).ok());
  ASSERT_TRUE(Ended(one, id));
  EXPECT_EQ(one.recorder.done()[id].outcome, SendOutcome::kAborted);
  EXPECT_EQ(one.recorder.done()[id].reason, kAbortedBySender);
}

TEST_F(GroupTest, EvictsWhoLeftAndGoesOn) {
  JoinAll(3);
  members_[2]->group->Leave();
  members_[2]->group.reset();
  ASSERT_TRUE(AllFull(2));
  SendId id = Send(*members_[0], "still here");
  ASSERT_TRUE(Ended(*members_[0], id));
  EXPECT_EQ(members_[0]->recorder.done()[id].outcome, SendOutcome::kCommitted);
}

TEST_F(GroupTest, GivesALateJoinerTheWholeState) {
  JoinAll(2);
  SendFromAll(20);
  ASSERT_TRUE(AllHave(40));
  Join(3);
  ASSERT_TRUE(AllFull(3));
  SendFromAll(1);
  ExpectSameMessages(43);
}

TEST_F(GroupTest, ACallbackMayWaitUntilTheGroupIsThere) {
  struct Waiting final : GroupApplication {
    void OnDeliver(const DeliverAction&) override {}
    void OnViewChanged(const ViewChangedAction&) override {
      waiting.set_value();
      joined.get_future().wait();
    }
    std::promise<void> waiting;
    std::promise<void> joined;
  } application;
  GroupOptions options = TestOptions(network_, 1);
  const auto group = Group::Join(options, application);
  ASSERT_TRUE(group.ok()) << MessageOf(group.status());
  application.waiting.get_future().wait();  // Whoever founds a group has a view at once.
  EXPECT_NE((*group)->unicast().port, 0);
  application.joined.set_value();
}

TEST_F(GroupTest, StartsOverWhenItIsAskedTo) {
  JoinAll(3);
  SendFromAll(10);
  ExpectSameMessages(30);
  ASSERT_TRUE(members_[2]->group->StartOver().ok());
  ASSERT_TRUE(members_[2]->recorder.WaitUntil([](const Recorder& r) { return r.left_ == 1; }));
  ASSERT_TRUE(AllFull(3));
  SendFromAll(10);
  ExpectSameMessages(60);
}

TEST_F(GroupTest, ComesBackWithItsStateFile) {
  std::string folder = testing::TempDir() + "/groupXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto with_file = [&](uint32_t id) {
    GroupOptions options = TestOptions(network_, id);
    options.state_file = folder + "/" + std::to_string(id);
    return options;
  };
  Join(1, with_file(1));
  Join(2, with_file(2));
  ASSERT_TRUE(AllFull(2));
  for (auto& member : members_) member->group.reset();
  GroupOptions reviving = with_file(1);
  reviving.core.found = false;  // It remembers.
  Join(1, reviving);
  Join(2, with_file(2));
  ASSERT_TRUE(AllFull(2));
  EXPECT_GT(members_.back()->group->view().epoch.counter, 1u);
}

TEST_F(GroupTest, RefusesAStateFileInUse) {
  std::string folder = testing::TempDir() + "/groupXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  GroupOptions options = TestOptions(network_, 1);
  options.state_file = folder + "/state";
  Join(1, options);
  Recorder other;
  auto second = Group::Join(options, other);
  EXPECT_EQ(second.status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(GroupTest, ShowsItsStatusToAnyThread) {
  JoinAll(2);
  GroupStatus status = members_[1]->group->status();
  EXPECT_EQ(status.status, MemberStatus::kFull);
  EXPECT_EQ(status.view.members.size(), 2u);
  EXPECT_EQ(status.view.members[0].id, MemberId(1));
  EXPECT_NE(members_[1]->group->unicast().port, 0);
  EXPECT_EQ(members_[0]->group->Promote().code(), StatusCode::kFailedPrecondition);
}

TEST_F(GroupTest, CanBeRunByTheCallersOwnLoop) {
  std::vector<pollfd> polls;
  for (uint32_t id = 1; id <= 3; ++id) {
    GroupOptions options = TestOptions(network_, id);
    options.own_thread = false;
    Join(id, options);
    polls.push_back({.fd = members_.back()->group->fd(), .events = POLLIN, .revents = 0});
    members_.back()->group->Poll(Duration::zero());
  }
  bool sent = false;
  SendId id = 0;
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (members_[2]->recorder.done().empty() && std::chrono::steady_clock::now() < end) {
    ASSERT_GT(poll(polls.data(), polls.size(), 5000), 0) << "a deadline passed unnoticed";
    for (size_t i = 0; i < 3; ++i) {
      if (polls[i].revents != 0) members_[i]->group->Poll(Duration::zero());
    }
    if (!sent && members_[2]->group->view().members.size() == 3) {
      auto result = members_[2]->group->Send(0, AsBytes("looped"));
      sent = std::holds_alternative<SendId>(result);
      if (sent) id = std::get<SendId>(result);
      members_[2]->group->Poll(Duration::zero());
    }
  }
  EXPECT_EQ(members_[2]->recorder.done()[id].outcome, SendOutcome::kCommitted);
}

// Keys.

class SealedGroupTest : public GroupTest {
 protected:
  void Adjust(GroupOptions& options) override {
    if (options.keys.empty()) options.keys = {{.id = 1, .bytes = Bytes(32, 0x11)}};
  }
};

TEST_F(SealedGroupTest, DeliversEverythingInOneOrder) {
  JoinAll(3);
  SendFromAll(100);
  ExpectSameMessages(300);
}

TEST_F(SealedGroupTest, KeepsOutWhoHasAnotherKey) {
  JoinAll(2);
  GroupOptions stranger = TestOptions(network_, 3);
  stranger.keys = {{.id = 1, .bytes = Bytes(32, 0x22)}};
  Member& third = Join(3, stranger);
  auto forged = [](Group& group) { return group.counters().driver[DriverCounter::kForged]; };
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (forged(*members_[0]->group) == 0 || forged(*third.group) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    std::this_thread::yield();
  }
  EXPECT_EQ(members_[0]->group->view().members.size(), 2u);
  EXPECT_EQ(third.group->view().number, 0u);
}

TEST_F(SealedGroupTest, RotatesItsKeyWhileMessagesFlow) {
  JoinAll(3);
  SendFromAll(50);
  for (auto& m : members_) ASSERT_TRUE(m->group->AddKey(2, Bytes(32, 0x33)).ok());
  for (auto& m : members_) ASSERT_TRUE(m->group->UseKey(2).ok());
  SendFromAll(50);
  ExpectSameMessages(300);
  for (auto& m : members_) ASSERT_TRUE(m->group->ForgetKey(1).ok());
  EXPECT_EQ(members_[0]->group->ForgetKey(2).code(), StatusCode::kFailedPrecondition);
  SendFromAll(10);
  ExpectSameMessages(330);
}

// Loss.

class LossyGroupTest : public GroupTest {
 protected:
  void Adjust(GroupOptions& options) override {
    options.interceptors = {std::make_shared<LossyLink>(
        LossyLink::Odds{.drop = 0.05, .duplicate = 0.02}, options.member.value())};
  }
};

TEST_F(LossyGroupTest, DeliversEverythingInOneOrder) {
  JoinAll(3);
  SendFromAll(500);
  ExpectSameMessages(1500);
  uint64_t lost = 0;
  for (auto& m : members_) lost += m->group->counters().driver[DriverCounter::kIntercepted];
  EXPECT_GT(lost, 0u);
}

// IPv6.

TEST_F(GroupTest, SpeaksIpv6) {
  if (!kPrivateNetwork) GTEST_SKIP() << "needs a network namespace";
  network_ = {.group_address = "ff15::7:9", .address = "::1", .port = network_.port};
  JoinAll(3);
  SendFromAll(50);
  ExpectSameMessages(150);
}

}  // namespace
}  // namespace strata::multicast
