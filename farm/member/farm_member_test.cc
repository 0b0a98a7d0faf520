#include "farm/member/farm_member.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <variant>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "farm/version.h"
#include "multicast/driver/clock.h"
#include "multicast/driver/private_network.h"
#include "multicast/group_test_member.h"

namespace strata::farm {
namespace {

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

constexpr uint8_t kNext = kFarmVersion + 1;

class Nobody final : public FarmListener {
 public:
  void OnMessage(const Message&, EngineId) override {}
  void OnView(const multicast::View&, bool) override {}
  void OnState() override {}
};

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

// Needs its time to take a state in.
class Slow final : public FarmListener {
 public:
  void OnMessage(const Message& message, EngineId) override {
    absl::MutexLock lock(&mutex_);
    if (std::holds_alternative<DigestAsked>(message)) ++messages_;
  }
  void OnView(const multicast::View&, bool) override {}
  void OnState() override {
    absl::MutexLock lock(&mutex_);
    restores_ = true;
    mutex_.Await(absl::Condition(&go_on_));
  }
  bool restores() {
    absl::MutexLock lock(&mutex_);
    return restores_;
  }
  int messages() {
    absl::MutexLock lock(&mutex_);
    return messages_;
  }
  void GoOn() {
    absl::MutexLock lock(&mutex_);
    go_on_ = true;
  }

 private:
  absl::Mutex mutex_;
  bool restores_ ABSL_GUARDED_BY(mutex_) = false;
  bool go_on_ ABSL_GUARDED_BY(mutex_) = false;
  int messages_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Keeps its group's thread at the first message.
class Stuck final : public FarmListener {
 public:
  void OnMessage(const Message&, EngineId) override {
    if (!stuck_.HasBeenNotified()) stuck_.Notify();
    go_on_.WaitForNotification();
  }
  void OnView(const multicast::View&, bool joined) override {
    if (was_in_ && !joined) lost_ = true;
    was_in_ = joined;
  }
  void OnState() override {}
  bool lost() const { return lost_; }  // The view that it was in.
  void AwaitStuck() { stuck_.WaitForNotification(); }
  void GoOn() { go_on_.Notify(); }

 private:
  std::atomic<bool> was_in_ = false;
  std::atomic<bool> lost_ = false;
  absl::Notification stuck_;
  absl::Notification go_on_;
};

class FarmMemberTest : public ::testing::Test {
 protected:
  struct Process {
    MetricRegistry metrics;
    Nobody listener;
    std::unique_ptr<FarmMember> member;
  };

  std::unique_ptr<Process> Start(uint32_t id, uint8_t version) {
    auto options = multicast::TestOptions(network_, id);
    options.application_version = version;
    return Start(std::move(options));
  }
  std::unique_ptr<Process> Start(multicast::GroupOptions options) {
    auto process = std::make_unique<Process>();
    auto member = FarmMember::Join(std::move(options), {}, process->listener, process->metrics);
    EXPECT_TRUE(member.ok()) << member.status().ToString();
    process->member = *std::move(member);
    EXPECT_TRUE(Eventually([&] { return process->member->joined(); }));
    return process;
  }
  multicast::GroupOptions Options(uint32_t id, Duration detection) {
    auto options = multicast::TestOptions(network_, id);
    const Duration found_wait = options.core.found_wait;
    SetDetection(detection, options.core);
    options.core.found_wait = found_wait;
    return options;
  }
  static bool Speaks(Process& process, uint8_t version) {
    return Eventually([&] { return process.member->spoken_version() == version; });
  }

  multicast::TestNetwork network_{.port = multicast::FreshPort()};
};

TEST_F(FarmMemberTest, SpeaksTheLowestVersionOfItsViewUntilAllAreNew) {
  const auto manager = Start(1, kNext);
  EXPECT_TRUE(Speaks(*manager, kNext));
  auto engine = Start(2, kFarmVersion);  // Not upgraded yet.
  EXPECT_TRUE(Speaks(*manager, kFarmVersion));
  EXPECT_TRUE(Speaks(*engine, kFarmVersion));
  EXPECT_TRUE(manager->member->SendAndWait(SiteRemoved{"films"}, std::chrono::seconds(20)).ok());
  engine->member->Leave();
  engine = Start(2, kNext);
  EXPECT_TRUE(Speaks(*manager, kNext));
  EXPECT_TRUE(Speaks(*engine, kNext));
}

TEST_F(FarmMemberTest, WhoRestoresTheStateKeepsNobodyWaitingAndIsFullOnlyThen) {
  constexpr std::chrono::seconds kDetection(1);
  const auto manager = Start(Options(1, kDetection));
  MetricRegistry metrics;
  Slow listener;
  auto slow = FarmMember::Join(Options(2, kDetection), {}, listener, metrics);
  ASSERT_TRUE(slow.ok()) << slow.status().ToString();
  ASSERT_TRUE(Eventually([&] { return listener.restores(); }));
  const uint32_t view = manager->member->view().number;
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(manager->member->SendAndWait(DigestAsked{1}, std::chrono::seconds(5)).ok());
  }
  // Much longer than somebody may be silent.
  const auto until = multicast::Now() + kDetection + kDetection / 4;
  while (multicast::Now() < until) {
    ASSERT_TRUE(manager->member->SendAndWait(DigestAsked{1}, std::chrono::seconds(5)).ok());
  }
  EXPECT_EQ(manager->member->view().number, view) << "it was not lost meanwhile";
  EXPECT_FALSE((*slow)->joined());
  listener.GoOn();
  EXPECT_TRUE(Eventually([&] { return (*slow)->joined(); }));
  EXPECT_GE(listener.messages(), kMessages);
  EXPECT_TRUE((*slow)->SendAndWait(DigestTold{EngineId(2), 1, {}}, std::chrono::seconds(20)).ok());
}

TEST_F(FarmMemberTest, WhoEndsWaitsForNobody) {
  const auto manager = Start(1, kFarmVersion);
  MetricRegistry metrics;
  Stuck listener;
  const auto stuck = FarmMember::Join(multicast::TestOptions(network_, 2), {}, listener, metrics);
  ASSERT_TRUE(stuck.ok()) << stuck.status().ToString();
  ASSERT_TRUE(Eventually([&] { return (*stuck)->joined(); }));
  ASSERT_TRUE(manager->member->Send(DigestAsked{1}).ok());
  listener.AwaitStuck();
  std::thread later([&] { manager->member->GiveUp(); });
  const Status sent = manager->member->SendAndWait(DigestAsked{2}, std::chrono::hours(1));
  EXPECT_NE(MessageOf(sent).find("ends"), std::string::npos) << MessageOf(sent);
  later.join();
  listener.GoOn();
}

TEST_F(FarmMemberTest, WhoIsSlowerThanOthersButNotDeadStaysWhenTheViewChanges) {
  constexpr std::chrono::seconds kDetection(4);
  const auto manager = Start(Options(1, kDetection));
  MetricRegistry metrics;
  Stuck listener;
  const auto slow = FarmMember::Join(Options(2, kDetection), {}, listener, metrics);
  ASSERT_TRUE(slow.ok()) << slow.status().ToString();
  ASSERT_TRUE(Eventually([&] { return (*slow)->joined(); }));
  ASSERT_TRUE(manager->member->Send(DigestAsked{1}).ok());
  listener.AwaitStuck();
  std::thread later([&listener] {
    const auto until = multicast::Now() + std::chrono::milliseconds(500);
    while (multicast::Now() < until) std::this_thread::yield();
    listener.GoOn();
  });
  const auto third = Start(Options(3, kDetection));
  later.join();
  EXPECT_TRUE(Eventually([&] { return manager->member->view().members.size() == 3; }));
  EXPECT_FALSE(listener.lost());
}

TEST_F(FarmMemberTest, AMemberOfThisProgramTellsItsVersion) {
  const auto manager = Start(1, 0);  // The default of the options.
  EXPECT_TRUE(Eventually([&] {
    const multicast::View view = manager->member->view();
    return !view.members.empty() && view.members.front().application_version == kFarmVersion;
  }));
}

TEST_F(FarmMemberTest, AWitnessThatIsHeardCountsForTheMajority) {
  const auto options = [this](uint32_t id, multicast::Role role) {
    auto made = multicast::TestOptions(network_, id);
    made.role = role;
    made.core.detection_timeout = std::chrono::seconds(60);  // The view stays as it is.
    made.core.stall_timeout = std::chrono::seconds(60);
    made.core.allow_fan_out = false;
    made.core.heartbeat_interval = std::chrono::milliseconds(100);
    return made;
  };
  const auto manager = Start(options(1, multicast::Role::kManager));
  const auto backup = Start(options(2, multicast::Role::kManager));
  multicast::Recorder recorder;
  auto witness = multicast::Group::Join(options(3, multicast::Role::kWitness), recorder);
  ASSERT_TRUE(witness.ok()) << witness.status().ToString();
  ASSERT_TRUE(Eventually([&] {
    const multicast::View view = manager->member->view();
    return view.members.size() == 3 &&
           std::all_of(view.members.begin(), view.members.end(),
                       [](const multicast::MemberInfo& member) { return member.voter; });
  }));
  backup->member->Leave();
  const Timestamp left = multicast::Now();
  while (multicast::Now() - left < kInTouchWithin + std::chrono::milliseconds(500)) {
    ASSERT_TRUE(manager->member->InTouch());
    std::this_thread::yield();
  }
  (*witness)->Leave();
  EXPECT_TRUE(Eventually([&] { return !manager->member->InTouch(); }));
}

}  // namespace
}  // namespace strata::farm
