#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <string>

#include "common/status.h"
#include "farm/content_key.h"
#include "service_manager/locating/location_grpc.h"
#include "service_manager/locating/locator.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::locating {

// What neighbours and people ask of contents (proto/locate.proto), answered by the Locator. No
// thread waits for an answer. Ends after its server, before the Locator.
class LocationService final : public v1::Location::CallbackService {
 public:
  // A content that people named.
  struct Named {
    std::string site;
    std::string canonical_uri;
    farm::ContentKey key;
  };
  struct Options {
    // Ok: this manager answers its neighbours. Else why not, Unavailable naming who leads.
    std::function<Status()> leads;
    // Finds the content of a URI; InvalidArgument or NotFound in words.
    std::function<StatusOr<Named>(const std::string& uri)> name;
  };

  LocationService(Options options, rpc::Guard& guard, Locator& locator);

  // Before the server starts: the service, and what a server has to allow for it.
  void AddTo(grpc::ServerBuilder& builder);

  grpc::ServerUnaryReactor* Locate(grpc::CallbackServerContext* context,
                                   const v1::LocateRequest* request,
                                   v1::LocateReply* reply) override;
  grpc::ServerUnaryReactor* Trace(grpc::CallbackServerContext* context,
                                  const v1::TraceRequest* request, v1::TraceReply* reply) override;

 private:
  class Call;

  // An error ends the call; else the locator has the question.
  Status BeginLocate(grpc::CallbackServerContext& context, const v1::LocateRequest& request,
                     v1::LocateReply& reply, Call& call);
  Status BeginTrace(grpc::CallbackServerContext& context, const v1::TraceRequest& request,
                    v1::TraceReply& reply, Call& call);

  const Options options_;
  rpc::Guard& guard_;
  Locator& locator_;
};

}  // namespace strata::manager::locating
