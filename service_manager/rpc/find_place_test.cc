#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/address.h"
#include "common/bytes.h"
#include "common/metrics.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "common/version.h"
#include "farm/messages.h"
#include "service_manager/control/drain_desk.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/rpc/guard.h"
#include "service_manager/rpc/registration_service.h"

namespace strata::manager::rpc {
namespace {

constexpr char kScope[] = "cdn-one/lan-a";

// Before there are threads of gRPC, so once.
bool InOwnNetwork() {
  static const bool entered = control::testing::TestFarm::EnterNetwork();
  return entered;
}

// A manager of two, alone after a power cut, which knows engine north-1; and who asks it.
class FindPlaceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!InOwnNetwork()) GTEST_SKIP() << "no network of its own";
    farm_.Start();
    farm::EngineInfo engine;
    engine.name = "north-1";
    engine.clients = engine.peers = {Endpoint::Parse("192.0.2.7:80").value()};
    const auto registered = farm_.control().Register(engine, Bytes(control::kInstanceBytes, 1));
    ASSERT_TRUE(registered.ok());
    request_.set_protocol(kRegistrationProtocol);
    request_.set_version(kVersion);
    request_.set_member_id(registered->info.id.value());
    request_.set_group_id(farm_.control().registrar().group_id());
    ASSERT_TRUE(farm_.control().managers().Enroll("sm-2", "192.0.2.2:7400").ok());
    farm_.Stop();
    farm_.StartAsOneOfSeveral();
    Serve();
  }
  void TearDown() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  void Serve() {
    guard_ = std::make_unique<Guard>(tls_, kScope, farm_.control().audit(), metrics_);
    drains_ = std::make_unique<control::DrainDesk>(farm_.control(), metrics_);
    service_ = std::make_unique<RegistrationService>(farm_.control(), *drains_, *guard_, metrics_);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port_);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  // As the member whose certificate is there.
  grpc::StatusCode Ask(std::shared_ptr<const tls::TlsStore> member) {
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                                             tls::MakeChannelCredentials(std::move(member)));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    reply_.Clear();
    return v1::Registration::NewStub(channel)->FindPlace(&context, request_, &reply_).error_code();
  }
  grpc::StatusCode Ask(const tls::TlsPaths& paths) {
    return Ask(tls::TlsStore::Open(paths).value());
  }
  tls::TlsPaths Issue(const std::string& scope, const std::string& member) {
    return authority_.Issue("strata://" + scope + "/" + member);
  }

  control::testing::TestFarm farm_;
  tls::TestAuthority authority_{testing::TempDir()};
  std::shared_ptr<tls::TlsStore> tls_ = *tls::TlsStore::Open(Issue(kScope, "manager/sm-1"));
  MetricRegistry metrics_;
  std::unique_ptr<Guard> guard_;
  std::unique_ptr<control::DrainDesk> drains_;
  std::unique_ptr<RegistrationService> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  v1::FindPlaceRequest request_;
  v1::FindPlaceReply reply_;
};

TEST_F(FindPlaceTest, AMemberGetsItsPlaceAndTheKeys) {
  ASSERT_EQ(Ask(Issue(kScope, "engine/north-1")), grpc::StatusCode::OK);
  EXPECT_EQ(reply_.group_id(), request_.group_id());
  EXPECT_EQ(reply_.term(), farm_.control().store().position().term);
  EXPECT_EQ(reply_.number(), farm_.control().store().position().number);
  ASSERT_EQ(reply_.keys_size(), 1);
  EXPECT_EQ(AsBytes(reply_.keys(0).key()).size(),
            farm_.control().registrar().keys()[0].bytes.size());
  EXPECT_EQ(reply_.seeds_size(), 1);
}

TEST_F(FindPlaceTest, NobodyElseGetsTheKeys) {
  EXPECT_EQ(Ask(Issue(kScope, "engine/north-2")), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Ask(Issue(kScope, "witness/north-1")), grpc::StatusCode::NOT_FOUND);
  for (const char* role : {"manager", "operator", "viewer"}) {
    EXPECT_EQ(Ask(Issue(kScope, std::string(role) + "/north-1")),
              grpc::StatusCode::PERMISSION_DENIED)
        << role;
  }
  EXPECT_EQ(Ask(Issue("cdn-one/lan-b", "engine/north-1")), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Ask(Issue("cdn-one", "engine/north-1")), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(reply_.keys_size(), 0);
}

TEST_F(FindPlaceTest, WhoIsRevokedGetsNoKeysAlsoWhileNobodyLeads) {
  const tls::TlsPaths paths = Issue(kScope, "engine/north-1");
  const std::shared_ptr<tls::TlsStore> engine = tls::TlsStore::Open(paths).value();
  ASSERT_EQ(Ask(engine), grpc::StatusCode::OK);
  authority_.Revoke(paths);
  ASSERT_TRUE(tls_->Reload().ok());
  EXPECT_NE(Ask(engine), grpc::StatusCode::OK);
  EXPECT_EQ(reply_.keys_size(), 0);
}

TEST_F(FindPlaceTest, AProtocolThatIsNotKnownIsRefused) {
  request_.set_protocol(kRegistrationProtocol + 1);
  EXPECT_EQ(Ask(Issue(kScope, "engine/north-1")), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace strata::manager::rpc
