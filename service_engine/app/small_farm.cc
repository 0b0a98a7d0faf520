#include "service_engine/app/small_farm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <utility>

#include "multicast/group_test_member.h"

namespace strata::engine::app {
namespace {

constexpr std::chrono::seconds kPatience(20);
constexpr std::chrono::milliseconds kPoll(2);

}  // namespace

bool SmallFarm::Poll(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

class SmallFarm::Listener final : public farm::FarmListener {
 public:
  void OnMessage(const farm::Message& message, farm::EngineId) override {
    std::function<void(const farm::Message&)> callback;
    {
      const std::lock_guard lock(mutex_);
      messages_.push_back(message);
      callback = callback_;
    }
    if (callback) callback(message);
  }
  void OnView(const multicast::View&, bool) override {}
  void OnState() override {}

  void SetCallback(std::function<void(const farm::Message&)> callback) {
    const std::lock_guard lock(mutex_);
    callback_ = std::move(callback);
  }
  bool Has(const std::function<bool(const farm::Message&)>& sort) {
    const std::lock_guard lock(mutex_);
    for (const farm::Message& message : messages_) {
      if (sort(message)) return true;
    }
    return false;
  }

 private:
  std::mutex mutex_;
  std::vector<farm::Message> messages_;
  std::function<void(const farm::Message&)> callback_;
};

SmallFarm::SmallFarm() {
  const uint16_t port = multicast::FreshPort();
  Join(manager_, kManager.value(), port);
  Join(engine_, kEngine.value(), port);
  EXPECT_TRUE(Poll([this] { return manager().joined() && engine().joined(); }));
  farm::EngineInfo info;
  info.id = kEngine;
  info.name = "north-1";
  info.clients = info.peers = {{IpAddress::V4(127, 0, 0, 1), 80}};
  Say(farm::EngineRegistered{info, 1});
}

SmallFarm::~SmallFarm() { OnEngineMessage(nullptr); }

void SmallFarm::Join(Side& side, uint32_t id, uint16_t port) {
  multicast::TestNetwork network;
  network.port = port;
  side.listener = std::make_unique<Listener>();
  auto member =
      farm::FarmMember::Join(multicast::TestOptions(network, id), {}, *side.listener, side.metrics);
  ASSERT_TRUE(member.ok()) << member.status().ToString();
  side.member = *std::move(member);
}

void SmallFarm::Say(const farm::Message& message) {
  const Status said = manager().SendAndWait(message, kPatience);
  EXPECT_TRUE(said.ok()) << said.ToString();
  uint64_t number = 0;
  manager().Read([&](const farm::TableReplica& replica) { number = replica.commit_number(); });
  EXPECT_TRUE(Poll([&] {
    bool there = false;
    engine().Read(
        [&](const farm::TableReplica& replica) { there = replica.commit_number() >= number; });
    return there;
  }));
}

void SmallFarm::OnEngineMessage(std::function<void(const farm::Message&)> callback) {
  engine_.listener->SetCallback(std::move(callback));
}

bool SmallFarm::AwaitMessage(const std::function<bool(const farm::Message&)>& sort) {
  return Poll([&] { return manager_.listener->Has(sort); });
}

bool SmallFarm::Await(const std::function<bool(const farm::TableReplica&)>& condition) {
  return Poll([&] {
    bool holds = false;
    manager().Read([&](const farm::TableReplica& replica) { holds = condition(replica); });
    return holds;
  });
}

}  // namespace strata::engine::app
