#include "common/tls/grpc_credentials.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/metrics.h"
#include "common/tls/handshake_watch.h"
#include "common/tls/issue.h"
#include "common/tls/test_authority.h"
#include "gtest/gtest.h"

namespace strata::tls {
namespace {

std::string NewFolder() {
  std::string path = testing::TempDir() + "/grpc-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

// Finishes every call at once, with who called as the status' text.
class WhoAmI final : public grpc::CallbackGenericService {
 public:
  explicit WhoAmI(std::shared_ptr<const TlsStore> store) : store_(std::move(store)) {}

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    void OnDone() override { delete this; }
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const StatusOr<Identity> who = PeerIdentity(*context->auth_context(), *store_);
    auto* reactor = new Reactor;
    reactor->Finish(who.ok() ? grpc::Status(grpc::StatusCode::ABORTED, ToString(*who))
                             : grpc::Status(static_cast<grpc::StatusCode>(who.status().code()),
                                            MessageOf(who.status())));
    return reactor;
  }

  const std::shared_ptr<const TlsStore> store_;
};

class GrpcCredentialsTest : public testing::Test {
 protected:
  void StartServer(const TlsPaths& paths) {
    store_ = *TlsStore::Open(paths);
    service_ = std::make_unique<WhoAmI>(store_);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", MakeServerCredentials(store_), &port_);
    builder.AddListeningPort("127.0.0.1:0", MakeServerCredentials(store_), &other_port_);
    builder.RegisterCallbackGenericService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  std::shared_ptr<grpc::Channel> ChannelTo(
      int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    // No channel shares another's connection.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), credentials, arguments);
  }

  static grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::GenericStub stub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    const grpc::Slice nothing;
    const grpc::ByteBuffer request(&nothing, 1);
    grpc::ByteBuffer reply;
    absl::Notification done;
    grpc::Status result;
    stub.UnaryCall(&context, "/test/WhoAmI", {}, &request, &reply, [&](grpc::Status status) {
      result = std::move(status);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  grpc::Status CallAs(const TlsPaths& paths) const {
    return Call(ChannelTo(port_, MakeChannelCredentials(*TlsStore::Open(paths))));
  }

  TestAuthority authority_{NewFolder()};
  const TlsPaths manager_ = authority_.Issue("strata://cdn/lan/manager/sm");
  const TlsPaths engine_ = authority_.Issue("strata://cdn/lan/engine/north-1");
  std::shared_ptr<TlsStore> store_;
  std::unique_ptr<WhoAmI> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  int other_port_ = 0;
};

TEST_F(GrpcCredentialsTest, TheServerKnowsWhoCalls) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  const grpc::Status status = CallAs(engine_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(status.error_message(), "engine north-1 of cdn/lan");
}

TEST_F(GrpcCredentialsTest, EveryPortIsServed) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  const auto credentials = MakeChannelCredentials(*TlsStore::Open(engine_));
  EXPECT_EQ(Call(ChannelTo(other_port_, credentials)).error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(GrpcCredentialsTest, AClientTalksToManagersOnly) {
  ASSERT_NO_FATAL_FAILURE(StartServer(engine_));
  const grpc::Status status = CallAs(authority_.Issue("strata://cdn/lan/operator/ann"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("engine north-1 of cdn/lan, not of a manager"),
            std::string::npos)
      << status.error_message();
}

TEST_F(GrpcCredentialsTest, AClientOfAnotherAuthorityIsRefused) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  TestAuthority other(NewFolder());
  const grpc::Status status = CallAs(other.Issue("strata://cdn/lan/engine/north-1"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcCredentialsTest, AFailedHandshakeIsTold) {
  MetricRegistry metrics;
  const HandshakeWatch watch(metrics);
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  EXPECT_EQ(CallAs(engine_).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_NE(metrics.Text().find("strata_rpc_handshakes_failed_total 0"), std::string::npos);
  TestAuthority other(NewFolder());
  CallAs(other.Issue("strata://cdn/lan/engine/north-1"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (metrics.Text().find("strata_rpc_handshakes_failed_total 0") != std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST_F(GrpcCredentialsTest, AClientWithoutCertificateIsRefused) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.pem().certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(kManagerDnsName);
  const auto channel = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port_),
                                                 grpc::SslCredentials(options), arguments);
  EXPECT_EQ(Call(channel).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcCredentialsTest, ARevocationCountsOnAnOpenConnection) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  const auto channel = ChannelTo(port_, MakeChannelCredentials(*TlsStore::Open(engine_)));
  ASSERT_EQ(Call(channel).error_code(), grpc::StatusCode::ABORTED);
  authority_.Revoke(engine_);
  ASSERT_TRUE(store_->Reload().ok());
  const grpc::Status status = Call(channel);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "the certificate of engine north-1 of cdn/lan is revoked");
}

TEST_F(GrpcCredentialsTest, AClientRefusesARevokedManager) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  authority_.Revoke(manager_);
  const grpc::Status status = CallAs(engine_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("manager sm of cdn/lan is revoked"), std::string::npos)
      << status.error_message();
}

TEST_F(GrpcCredentialsTest, NewConnectionsGetTheRenewedCertificate) {
  ASSERT_NO_FATAL_FAILURE(StartServer(manager_));
  ASSERT_EQ(CallAs(engine_).error_code(), grpc::StatusCode::ABORTED);
  // The old certificate becomes void for clients, so a good call shows the new one.
  authority_.Revoke(manager_);
  ASSERT_EQ(CallAs(engine_).error_code(), grpc::StatusCode::UNAVAILABLE);
  authority_.Issue("strata://cdn/lan/manager/sm");
  ASSERT_TRUE(store_->Reload().ok());
  EXPECT_EQ(CallAs(engine_).error_code(), grpc::StatusCode::ABORTED);
}

}  // namespace
}  // namespace strata::tls
