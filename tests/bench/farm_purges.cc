#include <grpcpp/create_channel.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "common/status.h"
#include "common/tls/grpc_credentials.h"
#include "common/tls/tls_files.h"
#include "multicast/driver/clock.h"
#include "proto/manager.grpc.pb.h"

// Purges the URIs that its standard input names, a line each, one after the other over one
// connection, and prints `purge_us N` for each: from the call to its answer, in which every one of
// ENGINES engines has confirmed that it dropped a copy; by a manager above farms, that it has
// purged it. Ends with 1 if one has not.
//
//   farm_purges MANAGER CERTIFICATES ENGINES < URIS
//
// CERTIFICATES: a folder as `strata pki issue` writes it, of an operator.

namespace strata::bench {
namespace {

namespace v1 = strata::manager::v1;

constexpr std::chrono::seconds kCallLimit(60);

StatusOr<std::unique_ptr<v1::Administration::Stub>> Connect(const std::string& manager,
                                                            const std::string& folder) {
  const tls::TlsPaths paths = {.authority = folder + "/ca.pem",
                               .certificate = folder + "/certificate.pem",
                               .key = folder + "/key.pem",
                               .revocations = ""};
  STRATA_ASSIGN_OR_RETURN(const auto store, tls::TlsStore::Open(paths));
  return v1::Administration::NewStub(
      grpc::CreateChannel(manager, tls::MakeChannelCredentials(store)));
}

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kCallLimit);
  context->set_wait_for_ready(true);
  return context;
}

Status FromGrpc(const grpc::Status& status) {
  return MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
}

Status CheckComplete(const v1::PurgeContentReply& reply, int engines) {
  int done = 0;
  for (const v1::Purge& purge : reply.purges()) {
    for (const v1::PurgeConfirmation& engine : purge.engines()) {
      if (engine.confirmed() && engine.dropped() > 0) ++done;
    }
    for (const v1::ScopeConfirmation& scope : purge.scopes()) {
      if (scope.outcome() == "confirmed") done += static_cast<int>(scope.confirmed());
    }
  }
  if (reply.complete() && done == engines) return Ok();
  return FailedPrecondition("%d of %d engines confirmed: %s", done, engines,
                            reply.ShortDebugString().c_str());
}

Status PurgeAll(const std::string& manager, const std::string& folder, int engines) {
  STRATA_ASSIGN_OR_RETURN(const auto stub, Connect(manager, folder));
  // So that the connection is open.
  v1::ShowFarmReply farm;
  STRATA_RETURN_IF_ERROR(FromGrpc(stub->ShowFarm(Context().get(), {}, &farm)));
  for (std::string uri; std::getline(std::cin, uri);) {
    v1::PurgeContentRequest request;
    request.add_uris(uri);
    v1::PurgeContentReply reply;
    const auto context = Context();
    const Timestamp start = multicast::Now();
    const grpc::Status called = stub->PurgeContent(context.get(), request, &reply);
    const Duration took = multicast::Now() - start;
    STRATA_RETURN_IF_ERROR(FromGrpc(called));
    STRATA_RETURN_IF_ERROR(CheckComplete(reply, engines));
    std::printf("purge_us %.1f\n", Seconds(took) * 1e6);
  }
  return Ok();
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: farm_purges MANAGER CERTIFICATES ENGINES\n");
    return 2;
  }
  const strata::Status done = strata::bench::PurgeAll(argv[1], argv[2], std::atoi(argv[3]));
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", strata::MessageOf(done).c_str());
  return 1;
}
