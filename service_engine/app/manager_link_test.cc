#include "service_engine/app/manager_link.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/metrics.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "multicast/driver/private_network.h"
#include "proto/manager.grpc.pb.h"
#include "service_engine/app/fake_adapter.h"
#include "service_engine/app/small_farm.h"

namespace strata::engine::app {
namespace {

namespace v1 = manager::v1;
using std::chrono::steady_clock;

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kBetween = absl::Milliseconds(200);

const bool kPrivateNetwork = multicast::EnterPrivateNetwork();

// A manager that renews, and notes the URIs that it is told.
class NotingManager final : public v1::Registration::Service {
 public:
  explicit NotingManager(const tls::TlsPaths& files) : tls_(*tls::TlsStore::Open(files)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~NotingManager() override { server_->Shutdown(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  bool AwaitUris(size_t count, absl::Duration limit) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return uris_ >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&there), limit);
  }

 private:
  grpc::Status Renew(grpc::ServerContext*, const v1::RenewRequest*, v1::RenewReply*) override {
    return grpc::Status::OK;
  }
  grpc::Status TellUris(grpc::ServerContext*, const v1::TellUrisRequest* request,
                        v1::TellUrisReply*) override {
    absl::MutexLock lock(&mutex_);
    uris_ += static_cast<size_t>(request->uris_size());
    return grpc::Status::OK;
  }

  const std::shared_ptr<tls::TlsStore> tls_;
  int port_ = 0;
  absl::Mutex mutex_;
  size_t uris_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(ManagerLinkTest, AUriIsToldSoonAfterItsContent) {
  std::string folder = testing::TempDir() + "/link-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  tls::TestAuthority authority(folder);
  NotingManager manager(authority.Issue("strata://cdn/lan/manager/sm-1"));
  rpc::ManagerClient client(
      {manager.address()},
      *tls::TlsStore::Open(authority.Issue("strata://cdn/lan/engine/north-1")));
  SmallFarm farm;
  FakeAdapter adapter;
  MetricRegistry metrics;
  FarmTable table(farm.engine(), {}, nullptr, nullptr, metrics);
  InventoryTeller teller(farm.engine(), adapter, SmallFarm::kEngine, 1);
  ManagerLink link(client, farm.engine(), teller, table, Bytes(16, 1), 1, nullptr);
  // Each comes long after the one before was told, and long before the next renewal, once a second.
  // The fastest counts: a busy machine does not matter.
  auto fastest = steady_clock::duration::max();
  for (uint64_t i = 1; i <= 5; ++i) {
    const auto begun = steady_clock::now();
    adapter.Hold({i, i}, {});
    teller.OnChanges();
    ASSERT_TRUE(manager.AwaitUris(i, kPatience));
    if (i > 1) fastest = std::min(fastest, steady_clock::now() - begun);
    EXPECT_FALSE(manager.AwaitUris(i + 1, kBetween)) << "each is told once";
  }
  EXPECT_LT(fastest, std::chrono::milliseconds(400));
}

}  // namespace
}  // namespace strata::engine::app
