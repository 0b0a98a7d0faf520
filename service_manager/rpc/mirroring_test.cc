#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/manager_book.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/rpc/mirror_follower.h"
#include "service_manager/rpc/mirroring_service.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPatience = seconds(20);

std::string NewFolder() {
  std::string path = testing::TempDir() + "/mirroring-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

// A manager as far as its intent goes: store, server, follower.
class Manager {
 public:
  Manager(tls::TestAuthority& authority, Guard& guard, const std::string& name,
          const std::string& role = "manager")
      : name_(name), folder_(NewFolder()) {
    paths_ = authority.Issue("strata://farm/" + role + "/" + name);
    tls_ = *tls::TlsStore::Open(paths_);
    own_ = *store::RocksStore::Open({.folder = folder_ + "/store"});
    store_ = *store::MirroredStore::Open(*own_, seconds(5));
    book_ = std::make_unique<control::ManagerBook>(*store_);
    service_ = std::make_unique<MirroringService>(*store_, *book_, guard, [this] {
      return MirroringService::Leader{name_, 17};
    });
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~Manager() {
    follower_.reset();
    StopServing();
    store_.reset();
    own_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Follow(std::vector<std::string> managers) {
    MirrorFollower::Options options;
    options.managers = [managers = std::move(managers)] { return managers; };
    options.own_address = address();
    options.on_taken = [this] { ++taken_; };
    options.on_lead_offered = [this] { offered_ = true; };
    follower_ = std::make_unique<MirrorFollower>(std::move(options), *store_, tls_);
    follower_->Enable(true);
  }
  void StopServing() {
    if (server_ == nullptr) return;
    service_->Stop();
    server_->Shutdown(std::chrono::system_clock::now() + seconds(1));
    server_->Wait();
    server_.reset();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  store::MirroredStore& store() { return *store_; }
  control::ManagerBook& book() { return *book_; }
  MirrorFollower& follower() { return *follower_; }
  const tls::TlsPaths& paths() const { return paths_; }
  Status Reload() { return tls_->Reload(); }
  bool offered() const { return offered_; }

 private:
  const std::string name_;
  const std::string folder_;
  tls::TlsPaths paths_;
  std::atomic<int> taken_ = 0;
  std::atomic<bool> offered_ = false;  // The lead.
  std::shared_ptr<tls::TlsStore> tls_;
  std::unique_ptr<store::RocksStore> own_;
  std::unique_ptr<store::MirroredStore> store_;
  std::unique_ptr<control::ManagerBook> book_;
  std::unique_ptr<MirroringService> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<MirrorFollower> follower_;
};

// Is asked, and does not lead; knows by which connections.
class Refusing final : public strata::manager::mirror::v1::Mirroring::Service {
 public:
  explicit Refusing(std::shared_ptr<const tls::TlsStore> tls) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(std::move(tls)), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }

  grpc::Status Follow(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<strata::manager::mirror::v1::FollowReply,
                               strata::manager::mirror::v1::FollowRequest>* /*stream*/) override {
    absl::MutexLock lock(&mutex_);
    ++calls_;
    connections_.insert(context->peer());
    return {grpc::StatusCode::UNAVAILABLE, "not the leader"};
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int calls() const {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }
  size_t connections() const {
    absl::MutexLock lock(&mutex_);
    return connections_.size();
  }

 private:
  int port_ = 0;
  mutable absl::Mutex mutex_;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> connections_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;  // Ends before what its calls use.
};

class MirroringTest : public testing::Test {
 protected:
  ~MirroringTest() override { std::filesystem::remove_all(folder_); }

  static Status Order(Manager& manager, const std::string& value) {
    return manager.store().Commit({.puts = {{"sites", "films", value}}}).status();
  }
  static std::string FilmsAt(Manager& manager) {
    return manager.store().Get("sites", "films")->value_or("none");
  }

  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  // Of all managers: there is one in a process.
  std::shared_ptr<tls::TlsStore> tls_ =
      *tls::TlsStore::Open(authority_.Issue("strata://farm/manager/guard"));
  std::unique_ptr<store::RocksStore> store_ =
      *store::RocksStore::Open({.folder = folder_ + "/store"});
  control::AuditLog audit_{*store_};
  MetricRegistry metrics_;
  Guard guard_{tls_, "farm", audit_, metrics_};
};

TEST_F(MirroringTest, WhatIsAcknowledgedIsAtTheFollowerToo) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  ASSERT_TRUE(a.store().Lead(1).ok());
  ASSERT_TRUE(a.book().Enroll("a", a.address()).ok());
  b.Follow({a.address()});
  const auto greeting = b.follower().WaitInStep(kPatience);
  ASSERT_TRUE(greeting.ok()) << MessageOf(greeting.status());
  EXPECT_EQ(greeting->leader, "a");
  EXPECT_EQ(greeting->group_id, 17u);
  EXPECT_EQ(greeting->member_id, 2u);
  a.store().Require({"b"});
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Order(a, std::to_string(i)).ok());
    ASSERT_EQ(FilmsAt(b), std::to_string(i));
  }
  ASSERT_TRUE(b.book().Load().ok());
  EXPECT_EQ(b.book().NameOf(1), "a");
  EXPECT_EQ(b.book().Find("b")->address, b.address());
}

TEST_F(MirroringTest, FollowsWhicheverLeads) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  Manager c(authority_, guard_, "c");
  const std::vector<std::string> all = {a.address(), b.address()};
  ASSERT_TRUE(a.store().Lead(1).ok());
  c.Follow(all);
  ASSERT_TRUE(c.follower().WaitInStep(kPatience).ok());
  b.Follow(all);
  ASSERT_TRUE(b.follower().WaitInStep(kPatience).ok());
  ASSERT_TRUE(Order(a, "a's").ok());
  a.StopServing();
  b.follower().Enable(false);
  ASSERT_TRUE(b.store().Lead(2).ok());
  ASSERT_TRUE(Order(b, "b's").ok());
  EXPECT_TRUE(
      control::testing::Eventually([&c] { return c.follower().in_step() && FilmsAt(c) == "b's"; }));
  EXPECT_EQ(c.follower().WaitInStep(kPatience)->leader, "b");
}

TEST_F(MirroringTest, AFollowerHearsThatTheLeadIsOffered) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  ASSERT_TRUE(a.store().Lead(1).ok());
  b.Follow({a.address()});
  ASSERT_TRUE(b.follower().WaitInStep(kPatience).ok());
  a.store().Require({"b"});
  ASSERT_TRUE(Order(a, "last").ok());
  EXPECT_FALSE(b.offered());
  ASSERT_TRUE(a.store().OfferLead("b"));
  EXPECT_TRUE(control::testing::Eventually([&b] { return b.offered(); }));
}

TEST_F(MirroringTest, ALargeCopyComesInParts) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  ASSERT_TRUE(a.store().Lead(1).ok());
  for (int i = 0; i < 12; ++i) {
    const std::string site(size_t{1} << 20, static_cast<char>('a' + i));
    ASSERT_TRUE(a.store().Commit({.puts = {{"sites", std::to_string(i), site}}}).ok());
  }
  b.Follow({a.address()});
  ASSERT_TRUE(b.follower().WaitInStep(kPatience).ok());
  EXPECT_EQ(b.store().position(), a.store().position());
  EXPECT_EQ((*b.store().Get("sites", "11"))->substr(0, 3), "lll");
}

TEST_F(MirroringTest, WhoIsNoManagerGetsNothing) {
  Manager a(authority_, guard_, "a");
  Manager engine(authority_, guard_, "north-1", "engine");
  ASSERT_TRUE(a.store().Lead(1).ok());
  engine.Follow({a.address()});
  const auto refused = engine.follower().WaitInStep(milliseconds(500));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(MessageOf(refused.status()).find("certificate of a manager"), std::string::npos)
      << MessageOf(refused.status());
  EXPECT_EQ(engine.store().position(), store::MirrorPosition());
}

TEST_F(MirroringTest, TwoManagersOfOneNameAreRefused) {
  Manager a(authority_, guard_, "a");
  Manager again(authority_, guard_, "a");
  ASSERT_TRUE(a.store().Lead(1).ok());
  again.Follow({a.address()});
  const auto refused = again.follower().WaitInStep(milliseconds(500));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(MessageOf(refused.status()).find("this manager is a too"), std::string::npos);
}

TEST_F(MirroringTest, ARevokedManagersStreamEnds) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  ASSERT_TRUE(a.store().Lead(1).ok());
  b.Follow({a.address()});
  ASSERT_TRUE(b.follower().WaitInStep(kPatience).ok());
  authority_.Revoke(b.paths());
  ASSERT_TRUE(tls_->Reload().ok());
  EXPECT_TRUE(control::testing::Eventually([&b] { return !b.follower().in_step(); }));
}

TEST_F(MirroringTest, AFollowerLeavesALeaderThatIsRevoked) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  ASSERT_TRUE(a.store().Lead(1).ok());
  b.Follow({a.address()});
  ASSERT_TRUE(b.follower().WaitInStep(kPatience).ok());
  authority_.Revoke(a.paths());
  ASSERT_TRUE(b.Reload().ok());
  EXPECT_TRUE(control::testing::Eventually([&b] { return !b.follower().in_step(); }));
  const auto refused = b.follower().WaitInStep(milliseconds(500));
  EXPECT_NE(MessageOf(refused.status()).find("revoked"), std::string::npos)
      << MessageOf(refused.status());
}

TEST_F(MirroringTest, AManagerThatDoesNotLeadSaysSo) {
  Manager a(authority_, guard_, "a");
  Manager b(authority_, guard_, "b");
  b.Follow({a.address()});
  const auto refused = b.follower().WaitInStep(milliseconds(500));
  EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(refused.status()).find("does not lead"), std::string::npos);
}

TEST_F(MirroringTest, AManagerThatRefusesIsAskedAgainOnTheSameConnection) {
  Refusing a(*tls::TlsStore::Open(authority_.Issue("strata://farm/manager/a")));
  Manager b(authority_, guard_, "b");
  b.Follow({a.address()});
  EXPECT_TRUE(control::testing::Eventually([&a] { return a.calls() >= 4; }));
  EXPECT_EQ(a.connections(), 1U);
}

}  // namespace
}  // namespace strata::manager::rpc
