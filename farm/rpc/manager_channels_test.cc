#include "farm/rpc/manager_channels.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "common/testing/loopback_listener.h"
#include "common/time.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"

namespace strata::farm::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kLimit = seconds(5);

// Does not lead, and says so.
class Backup final : public v1::Registration::Service {
 public:
  grpc::Status Renew(grpc::ServerContext* context, const v1::RenewRequest*,
                     v1::RenewReply*) override {
    absl::MutexLock lock(&mutex_);
    connections_.insert(context->peer());
    return {grpc::StatusCode::UNAVAILABLE, "another one leads"};
  }

  size_t connections() const {
    absl::MutexLock lock(&mutex_);
    return connections_.size();
  }

 private:
  mutable absl::Mutex mutex_;
  std::set<std::string> connections_ ABSL_GUARDED_BY(mutex_);
};

// A machine where nothing answers, until a manager is started there.
class ManagerChannelsTest : public testing::Test {
 protected:
  ManagerChannelsTest() {
    channels_.emplace("engine", std::vector<std::string>{address_},
                      *tls::TlsStore::Open(authority_.Issue("strata://farm/engine/north-1")));
  }
  ~ManagerChannelsTest() override {
    if (server_ != nullptr) server_->Shutdown();
  }

  void StartManager() {
    silence_.reset();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, tls::MakeServerCredentials(*tls::TlsStore::Open(
                                           authority_.Issue("strata://farm/manager/sm-1"))));
    builder.RegisterService(&backup_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  // The words of the answer.
  std::string Call(Duration limit) {
    const auto renew = [this](v1::Registration::Stub& stub, grpc::ClientContext& context) {
      given_ = context.deadline() - std::chrono::system_clock::now();
      v1::RenewReply reply;
      return stub.Renew(&context, v1::RenewRequest(), &reply);
    };
    return MessageOf(channels_->CallOne(0, limit, renew).status);
  }
  // Until there is such an answer.
  bool Await(const std::string& words) {
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (Call(kLimit).find(words) != std::string::npos) return true;
    }
    return false;
  }

  tls::TestAuthority authority_{getenv("TEST_TMPDIR")};
  std::optional<LoopbackListener> silence_{std::in_place};
  const std::string address_ = ToString(silence_->endpoint());
  Backup backup_;
  std::unique_ptr<grpc::Server> server_;
  std::optional<ManagerChannels> channels_;
  Duration given_{};  // What the last call might take.
};

TEST_F(ManagerChannelsTest, WhoIsSilentIsNotWaitedForLong) {
  Call(kLimit);
  EXPECT_LE(given_, kConnectLimit);
  EXPECT_GT(given_, kSilentLimit);
  Call(kLimit);
  EXPECT_LE(given_, kSilentLimit);
  EXPECT_GT(given_, Duration());
  Call(milliseconds(10));
  EXPECT_LE(given_, milliseconds(10));
}

TEST_F(ManagerChannelsTest, WhoIsBackHasItsTimeAgain) {
  Call(kSilentLimit);
  StartManager();
  ASSERT_TRUE(Await("another one leads"));
  Call(kLimit);
  EXPECT_GT(given_, kConnectLimit) << "it is slow, if at all, and not silent";
}

TEST_F(ManagerChannelsTest, WhoRefusesTheConnectionAtOnceIsNotSilent) {
  silence_.reset();
  Call(kLimit);
  Call(kLimit);
  EXPECT_GT(given_, kSilentLimit);
}

TEST_F(ManagerChannelsTest, WhoSaysThatAnotherOneLeadsKeepsItsConnection) {
  StartManager();
  ASSERT_TRUE(Await("another one leads"));
  EXPECT_NE(Call(kLimit).find("another one leads"), std::string::npos);
  EXPECT_EQ(backup_.connections(), 1U);
}

}  // namespace
}  // namespace strata::farm::rpc
