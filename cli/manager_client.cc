#include "cli/manager_client.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "cli/await_connection.h"
#include "cli/connection_error.h"
#include "common/quantity.h"
#include "common/tls/grpc_credentials.h"
#include "proto/hierarchy.grpc.pb.h"
#include "proto/locate.grpc.pb.h"
#include "proto/manager.grpc.pb.h"
#include "proto/site_flow.grpc.pb.h"

namespace strata::cli {
namespace {

using std::chrono::system_clock;

// How long a manager that may be frozen, or cut off, can keep a call from those behind it.
constexpr std::chrono::seconds kConnectLimit(2);

system_clock::time_point After(Duration wait) {
  return system_clock::now() + std::chrono::duration_cast<system_clock::duration>(wait);
}

// A record of a backup may be longer than gRPC takes by itself.
constexpr int kMessageBytesMax = 8 << 20;

// Cancels a call when nothing has come of it for some time.
class Patience {
 public:
  Patience(grpc::ClientContext& context, Duration limit)
      : context_(context), limit_(limit), thread_([this] { Watch(); }) {}
  ~Patience() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void Renew() {
    {
      const std::lock_guard lock(mutex_);
      ++heard_;
    }
    changed_.notify_one();
  }
  bool over() const { return over_; }

 private:
  void Watch() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      const uint64_t before = heard_;
      const auto heard = [&] { return done_ || heard_ != before; };
      if (changed_.wait_for(lock, limit_, heard)) continue;
      over_ = true;
      context_.TryCancel();
      return;
    }
  }

  grpc::ClientContext& context_;
  const Duration limit_;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t heard_ = 0;  // Under mutex_.
  bool done_ = false;   // Under mutex_.
  std::thread thread_;
};

class GrpcManagerClient final : public ManagerClient {
 public:
  GrpcManagerClient(ManagerOptions options, std::shared_ptr<tls::TlsStore> store)
      : options_(std::move(options)),
        store_(std::move(store)),
        channels_(options_.managers.size()) {}

  StatusOr<api::ShowFarmReply> ShowFarm() override {
    return Call<api::ShowFarmReply>(&Stub::ShowFarm, api::ShowFarmRequest(), Kind::kQuestion);
  }
  StatusOr<api::VerifyFarmReply> VerifyFarm() override {
    return Call<api::VerifyFarmReply>(&Stub::VerifyFarm, api::VerifyFarmRequest(), Kind::kQuestion);
  }
  StatusOr<api::LocateReply> Locate(const std::string& uri) override {
    api::LocateRequest request;
    request.set_uri(uri);
    return Call<api::LocateReply>(&Stub::Locate, request, Kind::kQuestion);
  }
  StatusOr<locate_api::TraceReply> Trace(const std::string& uri, bool trace) override {
    locate_api::TraceRequest request;
    request.set_uri(uri);
    request.set_trace(trace);
    return Call<locate_api::TraceReply>(&locate_api::Location::Stub::Trace, request,
                                        Kind::kQuestion);
  }
  StatusOr<api::PurgeContentReply> PurgeContent(const std::vector<std::string>& uris) override {
    api::PurgeContentRequest request;
    for (const std::string& uri : uris) request.add_uris(uri);
    return Call<api::PurgeContentReply>(&Stub::PurgeContent, request);
  }
  Status DrainEngine(const std::string& engine, bool draining) override {
    api::DrainEngineRequest request;
    request.set_engine(engine);
    request.set_draining(draining);
    return Call<api::DrainEngineReply>(&Stub::DrainEngine, request).status();
  }
  Status RemoveEngine(const std::string& engine) override {
    api::RemoveEngineRequest request;
    request.set_engine(engine);
    return Call<api::RemoveEngineReply>(&Stub::RemoveEngine, request).status();
  }
  StatusOr<api::ListManagersReply> ListManagers() override {
    return Call<api::ListManagersReply>(&Stub::ListManagers, api::ListManagersRequest(),
                                        Kind::kQuestion);
  }
  Status PromoteManager(const std::string& name, bool anyway) override {
    api::PromoteManagerRequest request;
    request.set_name(name);
    request.set_anyway(anyway);
    return Call<api::PromoteManagerReply>(&Stub::PromoteManager, request).status();
  }
  Status RemoveManager(const std::string& name) override {
    api::RemoveManagerRequest request;
    request.set_name(name);
    return Call<api::RemoveManagerReply>(&Stub::RemoveManager, request).status();
  }
  StatusOr<api::ListSitesReply> ListSites() override {
    return Call<api::ListSitesReply>(&Stub::ListSites, api::ListSitesRequest(), Kind::kQuestion);
  }
  StatusOr<api::GetSiteReply> GetSite(const std::string& name, uint64_t version) override {
    api::GetSiteRequest request;
    request.set_name(name);
    request.set_version(version);
    return Call<api::GetSiteReply>(&Stub::GetSite, request, Kind::kQuestion);
  }
  StatusOr<api::ApplySiteReply> ApplySite(const api::ApplySiteRequest& request) override {
    return Call<api::ApplySiteReply>(&Stub::ApplySite, request);
  }
  StatusOr<api::ApplySiteReply> RollbackSite(const std::string& name, uint64_t version) override {
    api::RollbackSiteRequest request;
    request.set_name(name);
    request.set_version(version);
    return Call<api::ApplySiteReply>(&Stub::RollbackSite, request);
  }
  Status RemoveSite(const std::string& name) override {
    api::RemoveSiteRequest request;
    request.set_name(name);
    return Call<api::RemoveSiteReply>(&Stub::RemoveSite, request).status();
  }
  StatusOr<api::ListAuditReply> ListAudit(uint32_t limit) override {
    api::ListAuditRequest request;
    request.set_limit(limit);
    return Call<api::ListAuditReply>(&Stub::ListAudit, request, Kind::kQuestion);
  }

  StatusOr<tree::TreeReply> ShowTree() override {
    return Call<tree::TreeReply>(&tree::Hierarchy::Stub::Tree, tree::TreeRequest(),
                                 Kind::kQuestion);
  }
  StatusOr<tree::PolicyReply> ShowPolicy(const std::string& uri) override {
    tree::PolicyRequest request;
    request.set_uri(uri);
    return Call<tree::PolicyReply>(&tree::Hierarchy::Stub::Policy, request, Kind::kQuestion);
  }
  StatusOr<flow::SiteStatusReply> SiteStatus(const std::string& site) override {
    flow::SiteStatusRequest request;
    request.set_site(site);
    return Call<flow::SiteStatusReply>(&FlowStub::SiteStatus, request, Kind::kQuestion);
  }
  StatusOr<flow::ListPurgesReply> ListPurges(const std::string& site, uint32_t limit) override {
    flow::ListPurgesRequest request;
    request.set_site(site);
    request.set_limit(limit);
    return Call<flow::ListPurgesReply>(&FlowStub::ListPurges, request, Kind::kQuestion);
  }
  StatusOr<flow::ShowPurgeReply> ShowPurge(const std::string& id) override {
    flow::ShowPurgeRequest request;
    request.set_id(id);
    return Call<flow::ShowPurgeReply>(&FlowStub::ShowPurge, request, Kind::kQuestion);
  }

  Status ListContent(const api::ListContentRequest& request,
                     const std::function<void(const api::Content&)>& each) override {
    return Read<api::Content>(&Stub::ListContent, request, true, each);
  }
  Status CreateBackup(const std::function<Status(const api::BackupChunk&)>& each) override {
    Status taken;
    const Status asked = Ask(Kind::kQuestion, [&](const Channel& to, system_clock::time_point) {
      grpc::ClientContext context;
      const auto reader = Stub(to).CreateBackup(&context, api::CreateBackupRequest());
      Patience patience(context, options_.timeout);
      Attempt attempt;
      api::BackupChunk chunk;
      while (taken.ok() && reader->Read(&chunk)) {
        attempt.began = true;
        patience.Renew();
        taken = each(chunk);
      }
      if (!taken.ok()) context.TryCancel();
      attempt.status = reader->Finish();
      if (patience.over()) attempt.status = {grpc::StatusCode::DEADLINE_EXCEEDED, "too slow"};
      return attempt;
    });
    return taken.ok() ? asked : taken;
  }
  Status FollowEvents(const api::FollowEventsRequest& request,
                      const std::function<void(const api::Event&)>& each) override {
    return Read<api::Event>(&Stub::FollowEvents, request, !request.follow(), each);
  }

 private:
  using Stub = api::Administration::Stub;
  using FlowStub = flow::SiteFlow::Stub;

  enum class Kind : uint8_t { kQuestion, kOrder };

  using Channel = std::shared_ptr<grpc::Channel>;

  // The outcome of one manager. `began`: the answer has, so no other manager can give it.
  struct Attempt {
    grpc::Status status;
    bool began = false;
  };

  const Channel& ChannelTo(size_t index) {
    Channel& channel = channels_[index];
    if (channel == nullptr) {
      grpc::ChannelArguments arguments;
      arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
      channel = grpc::CreateCustomChannel(options_.managers[index],
                                          tls::MakeChannelCredentials(store_), arguments);
    }
    return channel;
  }

  using AskManager = std::function<Attempt(const Channel&, system_clock::time_point deadline)>;

  // Asks one manager after the other, first the one that answered last, until one can answer.
  Status Ask(Kind kind, const AskManager& call) {
    const system_clock::time_point deadline = After(options_.timeout);
    std::vector<ManagerFailure> failures;
    for (size_t i = 0; i < channels_.size(); ++i) {
      const std::string& address = options_.managers[at_];
      const Attempt attempt = AskOne(ChannelTo(at_), i + 1 == channels_.size(), deadline, call);
      const auto code = static_cast<StatusCode>(attempt.status.error_code());
      const std::string& words = attempt.status.error_message();
      const Status explained = ExplainCallError(code, words, address, options_);
      if (code != StatusCode::kUnavailable || attempt.began) return explained;
      failures.push_back({.address = address, .status = explained});
      if (kind == Kind::kOrder && MayHaveArrived(words)) return GivenPerhaps(failures);
      at_ = (at_ + 1) % channels_.size();
    }
    return ExplainAllFailed(failures);
  }

  Attempt AskOne(const Channel& channel, bool last, system_clock::time_point deadline,
                 const AskManager& call) const {
    // The last one has all the time that is left.
    if (!last && AwaitConnection(*channel, std::min(deadline, After(kConnectLimit))) ==
                     Connection::kNeither) {
      return {.status = {grpc::StatusCode::UNAVAILABLE,
                         "there was no connection within " + FormatDuration(kConnectLimit)}};
    }
    return call(channel, deadline);
  }

  Status GivenPerhaps(const std::vector<ManagerFailure>& failures) const {
    const Status all = ExplainAllFailed(failures);
    if (channels_.size() == 1) return all;
    return MakeStatus(all.code(), MessageOf(all) +
                                      "\nThe order may have arrived there: no other manager was "
                                      "asked. Look, and try again");
  }

  // Of any service.
  template <class Reply, class Request, class AnyStub>
  StatusOr<Reply> Call(grpc::Status (AnyStub::*method)(grpc::ClientContext*, const Request&,
                                                       Reply*),
                       const Request& request, Kind kind = Kind::kOrder) {
    Reply reply;
    STRATA_RETURN_IF_ERROR(Ask(kind, [&](const Channel& to, system_clock::time_point deadline) {
      grpc::ClientContext context;
      context.set_deadline(deadline);
      reply.Clear();
      AnyStub stub(to);
      return Attempt{.status = (stub.*method)(&context, request, &reply)};
    }));
    return reply;
  }

  template <class Message, class Request>
  Status Read(std::unique_ptr<grpc::ClientReader<Message>> (Stub::*method)(grpc::ClientContext*,
                                                                           const Request&),
              const Request& request, bool ends, const std::function<void(const Message&)>& each) {
    return Ask(Kind::kQuestion, [&](const Channel& to, system_clock::time_point deadline) {
      grpc::ClientContext context;
      if (ends) context.set_deadline(deadline);
      Stub stub(to);
      const auto reader = (stub.*method)(&context, request);
      Attempt attempt;
      Message message;
      while (reader->Read(&message)) {
        attempt.began = true;
        each(message);
      }
      attempt.status = reader->Finish();
      return attempt;
    });
  }

  const ManagerOptions options_;
  const std::shared_ptr<tls::TlsStore> store_;
  std::vector<Channel> channels_;
  size_t at_ = 0;  // The manager that answered last.
};

}  // namespace

StatusOr<std::unique_ptr<ManagerClient>> ManagerClient::Open(const ManagerOptions& options) {
  // gRPC's own log lines are no sentences for people.
  gpr_set_log_function([](gpr_log_func_args*) {});
  STRATA_ASSIGN_OR_RETURN(std::shared_ptr<tls::TlsStore> store, tls::TlsStore::Open(options.paths));
  return std::make_unique<GrpcManagerClient>(options, std::move(store));
}

}  // namespace strata::cli
