#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/check.h"
#include "common/status.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/manager_channel.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
// What is generated for callbacks hides what is generated for threads.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#include "proto/locate.grpc.pb.h"
#pragma GCC diagnostic pop
#include "service_manager/control/audit_log.h"
#include "service_manager/directory/location.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/locating/location_messages.h"
#include "service_manager/locating/test_managers.h"
#include "service_manager/store/rocks_store.h"
#include "tests/bench/measured.h"

// Where is a content that another CDN holds? Six hops: a farm asks its data center, that its CDN,
// that the exchange, and down to a farm of the other CDN; each question is of another content, so
// nothing is remembered. Beside it a chain of as many bare calls that hand on the same question,
// with mutual TLS, too. Both in this process, in turns. Prints `ours_rate`, `ours_p50_us`,
// `ours_p99_us`, and the same of `peer`.
//
//   federation_locate CONCURRENCY SECONDS ROUNDS

namespace strata::bench {
namespace {

namespace locating = manager::locating;
namespace v1 = manager::locate::v1;
using locating::testing::CopyOf;
using locating::testing::TestManager;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeLeft(5);
constexpr size_t kHops = 6;

manager::federation::LocateQuestion NewQuestion() {
  static std::atomic<uint64_t> last = 0;
  return locating::testing::QuestionOf(
      "http://films.example/season-1/episode-" + std::to_string(++last) + ".mp4", kTimeLeft);
}

manager::federation::LocatedCopy TheCopy() {
  manager::federation::LocatedCopy copy = CopyOf("cdn-two/dc-two/lan-b", "north-1");
  copy.clients = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")};
  copy.flags = manager::directory::kComplete;
  copy.size = uint64_t{700} << 20;
  return copy;
}

// Asks one question; calls `done` when it is answered.
using AskOne = std::function<void(std::function<void()> done)>;

// ---- Ours.

class Federation {
 public:
  Federation(tls::TestAuthority& authority, manager::control::AuditLog& audit) {
    for (const auto& [scope, level] :
         std::vector<std::pair<const char*, uint32_t>>{{"cdn-one/dc-one/lan-a", 1},
                                                       {"cdn-one/dc-one", 2},
                                                       {"cdn-one", 3},
                                                       {"exchange", 4},
                                                       {"cdn-two", 3},
                                                       {"cdn-two/dc-two", 2},
                                                       {"cdn-two/dc-two/lan-b", 1}}) {
      managers_.push_back(std::make_unique<TestManager>(
          authority, audit,
          TestManager::Options{.own = {scope, level},
                               .name = "m" + std::to_string(managers_.size()),
                               .has_parent = level < 4}));
    }
    for (size_t i = 0; i < kHops; ++i) {
      const bool up = managers_[i]->own().level < managers_[i + 1]->own().level;
      TestManager& upper = up ? *managers_[i + 1] : *managers_[i];
      upper.Adopt(up ? *managers_[i] : *managers_[i + 1]);
    }
    for (size_t i = 3; i < kHops; ++i) {
      managers_[i]->SetOthers({.copies = {CopyOf(managers_[i + 1]->own().scope)}});
    }
    managers_[kHops]->SetOthers({.copies = {TheCopy()}});
  }

  void Ask(const std::function<void()>& done) {
    managers_[0]->locator().Locate(
        NewQuestion(), [done](const StatusOr<manager::federation::LocateAnswer>& answer) {
          STRATA_CHECK(answer.ok() && answer->copies.size() == 1 && !answer->partial());
          done();
        });
  }

 private:
  std::vector<std::unique_ptr<TestManager>> managers_;
};

// ---- The peer.

struct BareCall {
  grpc::ClientContext context;
  v1::LocateRequest request;
  v1::LocateReply reply;
};

// Hands a question on, or answers it.
class BareServer final : public v1::Location::CallbackService {
 public:
  BareServer(std::shared_ptr<const tls::TlsStore> tls, const std::string& next)
      : next_address_(next), channel_(next, tls) {
    if (!next.empty()) next_ = v1::Location::NewStub(channel_.Get());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(std::move(tls)), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    STRATA_CHECK(server_ != nullptr);
    manager::federation::LocateAnswer answer;
    answer.copies = {TheCopy()};
    answer.keep_for = std::chrono::seconds(5);
    locating::ToProto(answer, answer_);
  }
  ~BareServer() override { server_->Shutdown(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::ServerUnaryReactor* Locate(grpc::CallbackServerContext* context,
                                   const v1::LocateRequest* request,
                                   v1::LocateReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (next_ == nullptr) {
      *reply = answer_;
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }
    auto* call = new grpc::ClientContext();
    call->set_deadline(context->deadline());
    next_->async()->Locate(call, request, reply, [call, reactor](const grpc::Status& status) {
      reactor->Finish(status);
      delete call;
    });
    return reactor;
  }

 private:
  const std::string next_address_;
  tls::ManagerChannel channel_;
  std::unique_ptr<v1::Location::Stub> next_;
  v1::LocateReply answer_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class BareChain {
 public:
  explicit BareChain(tls::TestAuthority& authority) {
    std::string next;
    for (size_t i = 0; i < kHops; ++i) {
      const auto tls =
          *tls::TlsStore::Open(authority.Issue("strata://chain/manager/bare" + std::to_string(i)));
      servers_.push_back(std::make_unique<BareServer>(tls, next));
      next = servers_.back()->address();
    }
    channel_ = std::make_unique<tls::ManagerChannel>(
        next, *tls::TlsStore::Open(authority.Issue("strata://chain/manager/client")));
    stub_ = v1::Location::NewStub(channel_->Get());
  }
  ~BareChain() {
    while (!servers_.empty()) servers_.pop_back();
  }

  void Ask(const std::function<void()>& done) {
    const auto call = std::make_shared<BareCall>();
    locating::ToProto(NewQuestion(), call->request);
    call->context.set_deadline(std::chrono::system_clock::now() + kTimeLeft);
    stub_->async()->Locate(&call->context, &call->request, &call->reply,
                           [call, done](const grpc::Status& status) {
                             STRATA_CHECK(status.ok() && call->reply.copies_size() == 1);
                             done();
                           });
  }

 private:
  std::vector<std::unique_ptr<BareServer>> servers_;
  std::unique_ptr<tls::ManagerChannel> channel_;
  std::unique_ptr<v1::Location::Stub> stub_;
};

// ---- The measurement.

// Keeps so many questions open for some time.
class Load {
 public:
  Load(AskOne ask, steady_clock::duration time)
      : ask_(std::move(ask)), begun_(steady_clock::now()), end_(begun_ + time) {}

  // Waits until the last one is answered.
  void Run(size_t concurrency) {
    open_ = concurrency;
    for (size_t i = 0; i < concurrency; ++i) Next();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](Load* self) { return self->open_ == 0; }, this));
  }

  void Report(const std::string& who) {
    std::sort(micros_.begin(), micros_.end());
    Print((who + "_rate").c_str(),
          static_cast<double>(micros_.size()) /
              std::chrono::duration<double>(steady_clock::now() - begun_).count());
    Print((who + "_p50_us").c_str(), micros_[micros_.size() / 2]);
    Print((who + "_p99_us").c_str(), micros_[micros_.size() * 99 / 100]);
  }

 private:
  void Next() {
    const auto sent = steady_clock::now();
    ask_([this, sent] {
      const auto now = steady_clock::now();
      {
        absl::MutexLock lock(&mutex_);
        micros_.push_back(std::chrono::duration<double, std::micro>(now - sent).count());
        if (now >= end_) {
          --open_;
          return;
        }
      }
      Next();
    });
  }

  const AskOne ask_;
  const steady_clock::time_point begun_;
  const steady_clock::time_point end_;
  absl::Mutex mutex_;
  size_t open_ = 0;
  std::vector<double> micros_;
};

void Run(size_t concurrency, double seconds, int rounds) {
  std::string folder = std::filesystem::temp_directory_path().string() + "/locate-XXXXXX";
  STRATA_CHECK(mkdtemp(folder.data()) != nullptr);
  {
    tls::TestAuthority authority(folder);
    const auto store = *manager::store::RocksStore::Open({.folder = folder + "/audit"});
    manager::control::AuditLog audit(*store);
    Federation federation(authority, audit);
    BareChain chain(authority);
    const auto time =
        std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(seconds));
    const auto measure = [&](const AskOne& ask, const char* who) {
      Load load(ask, time);
      load.Run(concurrency);
      if (who != nullptr) load.Report(who);
    };
    const AskOne ours = [&](const std::function<void()>& done) { federation.Ask(done); };
    const AskOne peer = [&](const std::function<void()>& done) { chain.Ask(done); };
    for (int round = 0; round <= rounds; ++round) {  // The first one connects.
      measure(ours, round == 0 ? nullptr : "ours");
      measure(peer, round == 0 ? nullptr : "peer");
    }
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "federation_locate CONCURRENCY SECONDS ROUNDS\n");
    return 2;
  }
  strata::bench::Run(std::strtoul(argv[1], nullptr, 10), std::strtod(argv[2], nullptr),
                     std::atoi(argv[3]));
  return 0;
}
