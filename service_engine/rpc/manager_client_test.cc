#include "service_engine/rpc/manager_client.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/address.h"
#include "common/testing/loopback_listener.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "common/version.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

using std::chrono::steady_clock;

constexpr int kPatienceMs = 20'000;

TEST(ManagerClientTest, ASilentManagerDoesNotKeepAProcessThatEnds) {
  tls::TestAuthority authority(getenv("TEST_TMPDIR"));
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const LoopbackListener server;
  ManagerClient client({ToString(server.endpoint())}, *store);
  std::atomic<bool> ended = false;
  std::thread caller([&] {
    EXPECT_FALSE(client.Register({}, Bytes(16, 1)).ok());
    ended = true;
  });
  ASSERT_TRUE(server.AwaitClient());
  const auto begun = steady_clock::now();
  client.Stop();
  caller.join();
  EXPECT_LT(steady_clock::now() - begun, std::chrono::seconds(3));
  EXPECT_TRUE(ended);
  EXPECT_FALSE(client.Renew(Bytes(16, 1), 1).ok());
}

// A manager that refuses everybody, in these words.
class RefusingManager final : public manager::v1::Registration::Service {
 public:
  RefusingManager(const tls::TlsPaths& files, grpc::Status refusal) : refusal_(std::move(refusal)) {
    const auto tls = tls::TlsStore::Open(files);
    EXPECT_TRUE(tls.ok());
    tls_ = *tls;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~RefusingManager() override { server_->Shutdown(); }

  grpc::Status Register(grpc::ServerContext*, const manager::v1::RegisterRequest* request,
                        manager::v1::RegisterReply*) override {
    version_ = request->version();
    return refusal_;
  }
  grpc::Status Renew(grpc::ServerContext* context, const manager::v1::RenewRequest*,
                     manager::v1::RenewReply*) override {
    const auto caller = tls::PeerIdentity(*context->auth_context(), *tls_);
    serial_ = caller.ok() ? caller->serial : MessageOf(caller.status());
    return refusal_;
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& version() const { return version_; }
  const std::string& serial() const { return serial_; }  // Of who renewed last.

 private:
  const grpc::Status refusal_;
  std::shared_ptr<tls::TlsStore> tls_;
  std::string version_;
  std::string serial_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::string NewFolder() {
  std::string path = testing::TempDir() + "/client-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

TEST(ManagerClientTest, AManagersRefusalHasItsCodeAndWords) {
  tls::TestAuthority authority(NewFolder());
  RefusingManager manager(authority.Issue("strata://cdn/lan/manager/sm-1"),
                          {grpc::StatusCode::FAILED_PRECONDITION, "upgrade the engine"});
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok());
  ManagerClient client({manager.address()}, *store);
  const Status refused = client.Register({}, Bytes(16, 1)).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(MessageOf(refused), "upgrade the engine");
  EXPECT_TRUE(IsRefusal(refused));
  EXPECT_EQ(manager.version(), kVersion);
}

TEST(ManagerClientTest, AManagerOfAnotherAuthorityIsNotBelieved) {
  tls::TestAuthority ours(NewFolder());
  tls::TestAuthority theirs(NewFolder());
  RefusingManager manager(theirs.Issue("strata://cdn/lan/manager/sm-1"), grpc::Status::OK);
  const auto store = tls::TlsStore::Open(ours.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok());
  ManagerClient client({manager.address()}, *store);
  const Status refused = client.Register({}, Bytes(16, 1)).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated);
  EXPECT_NE(MessageOf(refused).find(manager.address()), std::string::npos);
  EXPECT_NE(MessageOf(refused).find("authority"), std::string::npos) << MessageOf(refused);
  // An engine that serves goes on.
  EXPECT_EQ(client.Renew(Bytes(16, 1), 1).status().code(), StatusCode::kUnavailable);
  // Another manager may be the one that counts.
  const LoopbackListener silent;
  ManagerClient hopeful({manager.address(), ToString(silent.endpoint())}, *store);
  EXPECT_FALSE(IsRefusal(hopeful.Register({}, Bytes(16, 1)).status()));
}

TEST(ManagerClientTest, WhoIsNoManagerIsNotBelieved) {
  tls::TestAuthority authority(NewFolder());
  RefusingManager impostor(authority.Issue("strata://cdn/lan/engine/north-2"), grpc::Status::OK);
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok());
  ManagerClient client({impostor.address()}, *store);
  const Status refused = client.Register({}, Bytes(16, 1)).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated);
  EXPECT_NE(MessageOf(refused).find("not of a manager"), std::string::npos) << MessageOf(refused);
}

// A manager that takes what it is told, or one that does not lead and says so.
class ListeningManager final : public manager::v1::Registration::Service {
 public:
  explicit ListeningManager(const tls::TlsPaths& files, int port = 0)
      : tls_(*tls::TlsStore::Open(files)), port_(port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), tls::MakeServerCredentials(tls_),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~ListeningManager() override { server_->Shutdown(); }

  grpc::Status Renew(grpc::ServerContext*, const manager::v1::RenewRequest*,
                     manager::v1::RenewReply* reply) override {
    ++renewals;
    for (const std::string& manager : others) reply->add_managers(manager);
    if (leads) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, "sm-2 leads the farm"};
  }
  grpc::Status TellUris(grpc::ServerContext*, const manager::v1::TellUrisRequest* request,
                        manager::v1::TellUrisReply*) override {
    uris += request->uris_size();
    return grpc::Status::OK;
  }

  grpc::Status ExchangeCopies(grpc::ServerContext*, const manager::v1::ExchangeCopiesRequest*,
                              manager::v1::ExchangeCopiesReply*) override {
    ++exchanges;
    if (leads) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, "sm-2 leads the farm"};
  }

  grpc::Status FindPlace(grpc::ServerContext*, const manager::v1::FindPlaceRequest* request,
                         manager::v1::FindPlaceReply* reply) override {
    if (leads) return {grpc::StatusCode::UNAVAILABLE, "this manager leads its farm"};
    if (request->member_id() != 101)
      return {grpc::StatusCode::NOT_FOUND, "there is no such engine"};
    reply->set_group_id(request->group_id());
    reply->set_group_address("239.0.0.1");
    reply->set_group_port(7450);
    reply->set_detection_timeout_ns(1);
    reply->add_seeds("127.0.0.1:" + std::to_string(port_));
    reply->set_term(term);
    reply->add_keys()->set_id(term % 256);
    return grpc::Status::OK;
  }

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::atomic<uint32_t> term = 1;   // Of its position.
  std::vector<std::string> others;  // That it names. Before there are calls.
  std::atomic<bool> leads = true;
  std::atomic<int> renewals = 0;
  std::atomic<int> exchanges = 0;
  std::atomic<int> uris = 0;

 private:
  const std::shared_ptr<tls::TlsStore> tls_;
  int port_;
  std::unique_ptr<grpc::Server> server_;
};

class ManagersTest : public testing::Test {
 protected:
  ManagersTest()
      : authority_(NewFolder()),
        engine_(*tls::TlsStore::Open(authority_.Issue("strata://cdn/lan/engine/north-1"))),
        files_(authority_.Issue("strata://cdn/lan/manager/sm-1")) {}

  tls::TestAuthority authority_;
  const std::shared_ptr<tls::TlsStore> engine_;
  const tls::TlsPaths files_;
};

TEST_F(ManagersTest, GoesOnFromAManagerThatDoesNotLeadAndStaysWithTheOneThatDoes) {
  ListeningManager first(files_);
  ListeningManager second(files_);
  first.leads = false;
  ManagerClient client({first.address(), second.address()}, engine_);
  EXPECT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  EXPECT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  EXPECT_EQ(first.renewals, 1);
  EXPECT_EQ(second.renewals, 2);
  second.leads = false;
  const Status nobody = client.Renew(Bytes(16, 1), 1).status();
  EXPECT_EQ(nobody.code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(nobody).find("leads the farm"), std::string::npos);
}

TEST_F(ManagersTest, LearnsFromAManagerWhichOthersThereAre) {
  ListeningManager first(files_);
  ListeningManager second(files_);
  first.others = {first.address(), second.address(), "", std::string(1000, 'x')};
  ManagerClient client({first.address()}, engine_);
  EXPECT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  EXPECT_EQ(second.renewals, 0);
  EXPECT_TRUE(client.TellUris({"http://a/1"}).ok());
  EXPECT_EQ(second.uris, 1);
  EXPECT_EQ(client.named(), first.others);
  first.leads = false;
  EXPECT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  EXPECT_EQ(second.renewals, 1);
}

TEST_F(ManagersTest, AsksForWorkWhomAnotherClientHasLearnedOf) {
  ListeningManager first(files_);
  ListeningManager second(files_);
  ManagerClient client({first.address()}, engine_);
  first.leads = false;
  EXPECT_FALSE(client.ExchangeCopies({}).ok());
  client.Learn({second.address()});
  EXPECT_TRUE(client.ExchangeCopies({}).ok());
  EXPECT_EQ(second.exchanges, 1);
}

TEST_F(ManagersTest, OfSeveralPlacesTheOneOfTheHighestPositionCounts) {
  ListeningManager stale(files_);
  auto fresh = std::make_unique<ListeningManager>(files_);
  ListeningManager stale_too(files_);
  stale.leads = fresh->leads = stale_too.leads = false;
  fresh->term = 3;
  ManagerClient client({stale.address(), fresh->address(), stale_too.address()}, engine_);
  const auto place = client.FindPlace(farm::EngineId(101), 5);
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->number, 0u);
  EXPECT_EQ(place->group.group_id, 5u);
  ASSERT_EQ(place->group.keys.size(), 1u);
  EXPECT_EQ(place->group.keys.front().id, 3);
  EXPECT_EQ(place->group.seeds.size(), 3u) << "all of them may be in the group";
  // What was told last is not taken back by those who know less.
  fresh.reset();
  EXPECT_EQ(client.FindPlace(farm::EngineId(101), 5).status().code(), StatusCode::kUnavailable);
  stale.term = 4;
  EXPECT_EQ(client.FindPlace(farm::EngineId(101), 5)->group.keys.front().id, 4);
}

TEST_F(ManagersTest, WhyThereIsNoPlaceIsToldByWhoKnows) {
  ListeningManager first(files_);
  ListeningManager second(files_);
  second.leads = false;
  ManagerClient client({first.address(), second.address()}, engine_);
  EXPECT_EQ(client.FindPlace(farm::EngineId(102), 5).status().code(), StatusCode::kNotFound);
  second.leads = true;
  EXPECT_EQ(client.FindPlace(farm::EngineId(101), 5).status().code(), StatusCode::kUnavailable);
  // A manager of an earlier version does not know the call.
  RefusingManager old(files_, grpc::Status::OK);
  ManagerClient early({old.address()}, engine_);
  EXPECT_EQ(early.FindPlace(farm::EngineId(101), 5).status().code(), StatusCode::kUnimplemented);
}

TEST_F(ManagersTest, EveryManagerIsToldOfContents) {
  ListeningManager first(files_);
  ListeningManager second(files_);
  second.leads = false;
  ManagerClient client({first.address(), second.address()}, engine_);
  EXPECT_TRUE(client.TellUris({"http://a/1", "http://a/2"}).ok());
  EXPECT_EQ(first.uris, 2);
  EXPECT_EQ(second.uris, 2);
}

TEST_F(ManagersTest, WhatAManagerThatWasAwayMissedIsToldLater) {
  ListeningManager first(files_);
  auto second = std::make_unique<ListeningManager>(files_);
  const int port = second->port();
  second.reset();
  ManagerClient client({first.address(), "127.0.0.1:" + std::to_string(port)}, engine_);
  EXPECT_TRUE(client.TellUris({"http://a/1", "http://a/2"}).ok());
  EXPECT_TRUE(client.TellUris({"http://a/3"}).ok());
  EXPECT_EQ(first.uris, 3);
  second = std::make_unique<ListeningManager>(files_, port);
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (second->uris < 3 && steady_clock::now() < deadline) client.TellWaitingUris();
  EXPECT_EQ(second->uris, 3);
  EXPECT_EQ(first.uris, 3);
}

TEST_F(ManagersTest, WhatNoManagerTookIsTheCallersToTellAgain) {
  auto manager = std::make_unique<ListeningManager>(files_);
  const int port = manager->port();
  manager.reset();
  ManagerClient client({"127.0.0.1:" + std::to_string(port)}, engine_);
  EXPECT_FALSE(client.TellUris({"http://a/1"}).ok());
  manager = std::make_unique<ListeningManager>(files_, port);
  client.TellWaitingUris();
  EXPECT_EQ(manager->uris, 0);
  EXPECT_TRUE(client.TellUris({"http://a/1"}).ok());
  EXPECT_EQ(manager->uris, 1);
}

TEST(ManagerClientTest, ARenewedCertificateIsShownFromTheNextCallOn) {
  tls::TestAuthority authority(NewFolder());
  RefusingManager manager(authority.Issue("strata://cdn/lan/manager/sm-1"), grpc::Status::OK);
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok());
  ManagerClient client({manager.address()}, *store);
  ASSERT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  const std::string first = (*store)->Current()->own.serial;
  EXPECT_EQ(manager.serial(), first);
  authority.Issue("strata://cdn/lan/engine/north-1");
  ASSERT_TRUE((*store)->Reload().ok());
  ASSERT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  EXPECT_EQ(manager.serial(), (*store)->Current()->own.serial);
  EXPECT_NE(manager.serial(), first);
}

TEST(ManagerClientTest, AManagerThatIsRevokedIsNotBelievedOnAnOpenConnectionEither) {
  tls::TestAuthority authority(NewFolder());
  const tls::TlsPaths files = authority.Issue("strata://cdn/lan/manager/sm-1");
  RefusingManager manager(files, grpc::Status::OK);
  const auto store = tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(store.ok());
  ManagerClient client({manager.address()}, *store);
  ASSERT_TRUE(client.Renew(Bytes(16, 1), 1).ok());
  authority.Revoke(files);
  ASSERT_TRUE((*store)->Reload().ok());
  const Status refused = client.Renew(Bytes(16, 1), 1).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_NE(MessageOf(refused).find("is revoked"), std::string::npos) << MessageOf(refused);
}

TEST(ManagerClientTest, KnowsWhatIsFinal) {
  EXPECT_TRUE(IsRefusal(PermissionDenied("revoked")));
  EXPECT_TRUE(IsRefusal(FailedPrecondition("too old")));
  EXPECT_FALSE(IsRefusal(Unavailable("nobody there")));
  EXPECT_FALSE(IsRefusal(AlreadyExists("alive")));
}

}  // namespace
}  // namespace strata::engine::rpc
