#include "service_manager/control/test_farm.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <thread>
#include <utility>

#include "multicast/driver/private_network.h"

namespace strata::manager::control::testing {
namespace {

constexpr std::chrono::seconds kPatience(30);
constexpr Duration kDetection = std::chrono::milliseconds(1500);  // Machines with tests are busy.

multicast::SocketSettings Sockets(uint16_t port) {
  multicast::SocketSettings sockets;
  sockets.interface = "lo";
  sockets.group = IpAddress::V4(239, 7, 7, 11);
  sockets.address = IpAddress::V4(127, 0, 0, 1);
  sockets.port = port;
  sockets.loopback = true;
  return sockets;
}

farm::EngineInfo InfoOf(const std::string& name) {
  farm::EngineInfo info;
  info.name = name;
  info.clients = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = 80}};
  info.peers = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = 8081}};
  return info;
}

}  // namespace

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TestEngine::TestEngine(FarmControl& control, const std::string& name, uint8_t instance,
                       uint8_t version) {
  auto registered = control.Register(InfoOf(name), Bytes(kInstanceBytes, instance));
  EXPECT_TRUE(registered.ok()) << registered.status().ToString();
  if (!registered.ok()) return;
  engine_ = *registered;
  multicast::GroupOptions options;
  options.core.group = multicast::GroupId(control.registrar().group_id());
  options.core.seeds = {control.member().unicast()};
  farm::SetDetection(kDetection, options.core);
  options.member = multicast::MemberId(engine_.info.id.value());
  options.sockets = control.options().group.sockets;
  options.keys = control.registrar().keys();
  options.application_version = version;
  auto member = farm::FarmMember::Join(std::move(options), {}, *this, metrics_);
  EXPECT_TRUE(member.ok()) << member.status().ToString();
  absl::MutexLock lock(&mutex_);  // Callbacks wait until the member is here.
  if (!member.ok()) return;
  member_ = *std::move(member);
  presence_ = std::make_unique<WorkQueue>(std::chrono::milliseconds(500),
                                          [this] { (void)member_->Send(farm::Present{}); });
}

TestEngine::~TestEngine() {
  presence_.reset();
  if (member_ != nullptr) member_->Leave();
}

void TestEngine::SetProblem(const std::string& problem) {
  absl::MutexLock lock(&mutex_);
  problem_ = problem;
}
void TestEngine::SetSilent(bool silent) {
  absl::MutexLock lock(&mutex_);
  silent_ = silent;
}
void TestEngine::SetLying(bool lying) {
  absl::MutexLock lock(&mutex_);
  lying_ = lying;
}

void TestEngine::OnMessage(const farm::Message& message, farm::EngineId) {
  const farm::EngineId id = engine_.info.id;
  absl::MutexLock lock(&mutex_);
  if (silent_ || member_ == nullptr) return;
  if (const auto* site = std::get_if<farm::SiteApplied>(&message)) {
    (void)member_->Send(farm::SiteTaken{id, site->site.name, site->site.version, problem_});
  } else if (const auto* purged = std::get_if<farm::Purged>(&message)) {
    const auto dropped = static_cast<uint32_t>(purged->keys.size());
    (void)member_->Send(farm::PurgeApplied{id, purged->site, purged->position, dropped, problem_});
  } else if (const auto* asked = std::get_if<farm::DigestAsked>(&message)) {
    farm::DigestTold told{id, asked->number, {}};
    member_->Read([&told](const farm::TableReplica& replica) { told.digest = replica.digest(); });
    if (lying_) told.digest = farm::TableDigest(1, 1);
    (void)member_->Send(told);
  }
}

void TestEngine::OnView(const multicast::View&, bool) {}

bool TestFarm::EnterNetwork() { return multicast::EnterPrivateNetwork(); }

TestFarm::TestFarm() {
  static uint16_t next_port = 21000;  // Of a network of this process's own.
  port_ = next_port;
  next_port = static_cast<uint16_t>(next_port + 2);
  std::string pattern = std::string(getenv("TEST_TMPDIR")) + "/farm-XXXXXX";
  folder_ = mkdtemp(pattern.data());
}

TestFarm::~TestFarm() { Stop(); }

void TestFarm::Start(Duration verify_every) {
  StartAsOneOfSeveral(verify_every);
  ASSERT_TRUE(control_ != nullptr && Eventually([this] { return control_->leads(); }));
}

void TestFarm::StartAsOneOfSeveral(Duration verify_every) {
  store::RocksStore::Options at;
  at.folder = folder_ + "/store";
  auto store = store::RocksStore::Open(std::move(at));
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  own_ = *std::move(store);
  auto mirrored = store::MirroredStore::Open(*own_, std::chrono::seconds(5));
  ASSERT_TRUE(mirrored.ok()) << mirrored.status().ToString();
  store_ = *std::move(mirrored);
  metrics_ = std::make_unique<MetricRegistry>();
  index_ = std::make_unique<directory::LocationIndex>(random_);
  FarmControlOptions options;
  options.scope = "cdn-one/lan-a";
  options.name = "sm-1";
  options.group.sockets = Sockets(port_);
  farm::SetDetection(kDetection, options.group.core);
  options.verify_every = verify_every;
  auto control = FarmControl::Start(std::move(options), *store_, *index_, random_, *metrics_);
  ASSERT_TRUE(control.ok()) << control.status().ToString();
  control_ = *std::move(control);
}

void TestFarm::Stop() {
  control_.reset();
  index_.reset();
  store_.reset();
  own_.reset();
}

std::unique_ptr<TestEngine> TestFarm::Join(const std::string& name, uint8_t instance,
                                           uint8_t version) {
  auto engine = std::make_unique<TestEngine>(*control_, name, instance, version);
  const farm::EngineId id = engine->engine().info.id;
  EXPECT_TRUE(Eventually([&] {
    bool there = false;
    control_->member().Read([&](const farm::TableReplica& replica) {
      const farm::Row* row = replica.table().Find(id);
      there = row != nullptr && row->in_view;
    });
    bool knows = false;
    engine->member().Read(
        [&](const farm::TableReplica& replica) { knows = replica.table().Find(id) != nullptr; });
    return there && knows && engine->member().joined();
  }));
  return engine;
}

}  // namespace strata::manager::control::testing
