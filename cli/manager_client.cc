#include "cli/manager_client.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <utility>

#include "cli/connection_error.h"
#include "common/tls/grpc_credentials.h"
#include "proto/manager.grpc.pb.h"

namespace strata::cli {
namespace {

class GrpcManagerClient final : public ManagerClient {
 public:
  GrpcManagerClient(ManagerOptions options, const std::shared_ptr<grpc::Channel>& channel)
      : options_(std::move(options)), stub_(api::Administration::NewStub(channel)) {}

  StatusOr<api::ShowFarmReply> ShowFarm() override {
    return Call<api::ShowFarmReply>(&Stub::ShowFarm, api::ShowFarmRequest());
  }
  StatusOr<api::VerifyFarmReply> VerifyFarm() override {
    return Call<api::VerifyFarmReply>(&Stub::VerifyFarm, api::VerifyFarmRequest());
  }
  StatusOr<api::LocateReply> Locate(const std::string& uri) override {
    api::LocateRequest request;
    request.set_uri(uri);
    return Call<api::LocateReply>(&Stub::Locate, request);
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
  StatusOr<api::ListSitesReply> ListSites() override {
    return Call<api::ListSitesReply>(&Stub::ListSites, api::ListSitesRequest());
  }
  StatusOr<api::GetSiteReply> GetSite(const std::string& name, uint64_t version) override {
    api::GetSiteRequest request;
    request.set_name(name);
    request.set_version(version);
    return Call<api::GetSiteReply>(&Stub::GetSite, request);
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
    return Call<api::ListAuditReply>(&Stub::ListAudit, request);
  }

  Status ListContent(const api::ListContentRequest& request,
                     const std::function<void(const api::Content&)>& each) override {
    grpc::ClientContext context;
    SetDeadline(context);
    return ReadAll<api::Content>(*stub_->ListContent(&context, request), each);
  }
  Status FollowEvents(const api::FollowEventsRequest& request,
                      const std::function<void(const api::Event&)>& each) override {
    grpc::ClientContext context;
    if (!request.follow()) SetDeadline(context);
    return ReadAll<api::Event>(*stub_->FollowEvents(&context, request), each);
  }

 private:
  using Stub = api::Administration::Stub;

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.timeout));
  }

  template <class Reply, class Request>
  StatusOr<Reply> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                       const Request& request) {
    grpc::ClientContext context;
    SetDeadline(context);
    Reply reply;
    STRATA_RETURN_IF_ERROR(Translate((stub_.get()->*method)(&context, request, &reply)));
    return reply;
  }

  template <class Message, class Reader>
  Status ReadAll(Reader& reader, const std::function<void(const Message&)>& each) {
    Message message;
    while (reader.Read(&message)) each(message);
    return Translate(reader.Finish());
  }

  Status Translate(const grpc::Status& status) const {
    return ExplainCallError(static_cast<StatusCode>(status.error_code()), status.error_message(),
                            options_);
  }

  const ManagerOptions options_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace

StatusOr<std::unique_ptr<ManagerClient>> ManagerClient::Open(const ManagerOptions& options) {
  // gRPC's own log lines are no sentences for people.
  gpr_set_log_function([](gpr_log_func_args*) {});
  STRATA_ASSIGN_OR_RETURN(const std::shared_ptr<tls::TlsStore> store,
                          tls::TlsStore::Open(options.paths));
  const auto channel = grpc::CreateChannel(options.address, tls::MakeChannelCredentials(store));
  return std::make_unique<GrpcManagerClient>(options, channel);
}

}  // namespace strata::cli
