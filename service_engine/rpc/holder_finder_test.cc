#include "service_engine/rpc/holder_finder.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/test_authority.h"
#include "proto/manager.grpc.pb.h"

namespace strata::engine::rpc {
namespace {

namespace v1 = strata::manager::v1;

constexpr farm::ContentKey kFilm{1, 2};
constexpr farm::ContentKey kSong{3, 4};
constexpr std::chrono::seconds kPatience(20);

// Answers engines 7 and 9, when it may.
class Manager final : public v1::Registration::Service {
 public:
  grpc::Status FindHolders(grpc::ServerContext* context, const v1::FindHoldersRequest* request,
                           v1::FindHoldersReply* reply) override {
    ++calls;
    {
      absl::MutexLock lock(&mutex_);
      connections_.insert(context->peer());
    }
    EXPECT_EQ(request->key().size(), 16u);
    go.WaitForNotification();
    if (refuses) return {grpc::StatusCode::UNAVAILABLE, "does not lead"};
    reply->add_engine_ids(7);
    reply->add_engine_ids(9);
    return grpc::Status::OK;
  }

  size_t connections() const {
    absl::MutexLock lock(&mutex_);
    return connections_.size();
  }

  std::atomic<int> calls = 0;
  std::atomic<bool> refuses = false;
  absl::Notification go;

 private:
  mutable absl::Mutex mutex_;
  std::set<std::string> connections_ ABSL_GUARDED_BY(mutex_);
};

class HolderFinderTest : public ::testing::Test {
 protected:
  using Found = StatusOr<std::vector<farm::EngineId>>;

  HolderFinderTest() : authority_(getenv("TEST_TMPDIR")) {
    const auto tls = tls::TlsStore::Open(authority_.Issue("strata://cdn/lan/manager/sm-1"));
    EXPECT_TRUE(tls.ok());
    if (tls.ok()) manager_tls_ = *tls;
    Listen();
  }
  ~HolderFinderTest() override {
    if (!manager_.go.HasBeenNotified()) manager_.go.Notify();
    server_->Shutdown();
  }

  // Again at the port of before, if there was one.
  void Listen() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port_),
                             tls::MakeServerCredentials(manager_tls_), &port_);
    builder.RegisterService(&manager_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  HolderFinder& Finder(const HolderFinder::Limits& limits) {
    const auto tls = tls::TlsStore::Open(authority_.Issue("strata://cdn/lan/engine/north-1"));
    EXPECT_TRUE(tls.ok());
    finder_ = std::make_unique<HolderFinder>(
        std::vector<std::string>{"127.0.0.1:" + std::to_string(port_)}, *tls, limits, metrics_);
    return *finder_;
  }
  // Patient: the first call makes the connection.
  static HolderFinder::Limits Patient() {
    HolderFinder::Limits limits;
    limits.call = kPatience;
    return limits;
  }
  static std::future<Found> Find(HolderFinder& finder, const farm::ContentKey& key) {
    const auto promise = std::make_shared<std::promise<Found>>();
    finder.Find(key, [promise](const Found& found) { promise->set_value(found); });
    return promise->get_future();
  }

  tls::TestAuthority authority_;
  std::shared_ptr<const tls::TlsStore> manager_tls_;
  Manager manager_;
  MetricRegistry metrics_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<HolderFinder> finder_;
};

TEST_F(HolderFinderTest, EqualQuestionsAreOneCall) {
  HolderFinder& finder = Finder(Patient());
  std::vector<std::future<Found>> films;
  for (int i = 0; i < 50; ++i) films.push_back(Find(finder, kFilm));
  std::future<Found> song = Find(finder, kSong);
  manager_.go.Notify();
  for (std::future<Found>& film : films) {
    const Found found = film.get();
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_EQ(*found, (std::vector{farm::EngineId(7), farm::EngineId(9)}));
  }
  EXPECT_TRUE(song.get().ok());
  EXPECT_EQ(manager_.calls, 2);
  EXPECT_TRUE(Find(finder, kFilm).get().ok());
  EXPECT_EQ(manager_.calls, 3) << "what was answered is not kept";
}

TEST_F(HolderFinderTest, AfterAFailureItRests) {
  HolderFinder::Limits limits = Patient();
  limits.rest = kPatience;
  HolderFinder& finder = Finder(limits);
  manager_.refuses = true;
  manager_.go.Notify();
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
  EXPECT_EQ(manager_.calls, 1);
}

TEST_F(HolderFinderTest, TriesAgainAfterItsRest) {
  HolderFinder::Limits limits = Patient();
  limits.rest = std::chrono::milliseconds(1);
  HolderFinder& finder = Finder(limits);
  manager_.refuses = true;
  manager_.go.Notify();
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
  manager_.refuses = false;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!Find(finder, kFilm).get().ok()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(HolderFinderTest, AManagerThatDoesNotLeadKeepsItsConnection) {
  HolderFinder::Limits limits = Patient();
  limits.rest = Duration::zero();
  HolderFinder& finder = Finder(limits);
  manager_.refuses = true;
  manager_.go.Notify();
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
  manager_.refuses = false;
  EXPECT_TRUE(Find(finder, kFilm).get().ok());
  EXPECT_EQ(manager_.connections(), 1u);
}

TEST_F(HolderFinderTest, OutlivesManagersThatDie) {
  HolderFinder::Limits limits = Patient();
  limits.rest = Duration::zero();
  HolderFinder& finder = Finder(limits);
  manager_.go.Notify();
  for (int life = 0; life < 20; ++life) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!Find(finder, kFilm).get().ok()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::vector<std::future<Found>> found;
    for (uint64_t i = 0; i < 50; ++i) found.push_back(Find(finder, {i, life + uint64_t{1}}));
    server_->Shutdown(std::chrono::system_clock::now());
    for (std::future<Found>& each : found) (void)each.get();
    EXPECT_FALSE(Find(finder, kSong).get().ok());
    Listen();
  }
}

TEST_F(HolderFinderTest, AsksAManagerThatItHasLearnedOf) {
  HolderFinder::Limits limits = Patient();
  limits.rest = Duration::zero();
  const auto tls = tls::TlsStore::Open(authority_.Issue("strata://cdn/lan/engine/north-1"));
  ASSERT_TRUE(tls.ok());
  HolderFinder finder({"127.0.0.1:1"}, *tls, limits, metrics_);  // Nobody listens there.
  manager_.go.Notify();
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
  finder.Learn({"127.0.0.1:" + std::to_string(port_)});
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!Find(finder, kFilm).get().ok()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(HolderFinderTest, ASilentManagerIsWaitedForAsLongAsTheLimit) {
  HolderFinder::Limits limits;
  limits.call = std::chrono::milliseconds(50);
  EXPECT_FALSE(Find(Finder(limits), kFilm).get().ok());
}

TEST_F(HolderFinderTest, QuestionsHaveLimits) {
  HolderFinder::Limits limits = Patient();
  limits.questions_max = 1;
  limits.askers_max = 2;
  HolderFinder& finder = Finder(limits);
  std::future<Found> first = Find(finder, kFilm);
  EXPECT_FALSE(Find(finder, kSong).get().ok());
  std::future<Found> second = Find(finder, kFilm);
  EXPECT_FALSE(Find(finder, kFilm).get().ok()) << "two ask already";
  manager_.go.Notify();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST_F(HolderFinderTest, ItsEndEndsAllQuestions) {
  HolderFinder& finder = Finder(Patient());
  std::future<Found> film = Find(finder, kFilm);
  finder.Stop();
  EXPECT_EQ(film.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  EXPECT_FALSE(film.get().ok());
  EXPECT_FALSE(Find(finder, kFilm).get().ok());
}

}  // namespace
}  // namespace strata::engine::rpc
