#pragma once

#include <atomic>

#include "proto/locate.grpc.pb.h"

namespace strata::cli {

// What a manager for tests knows of contents elsewhere: one copy in a data center beneath, one that
// a child tells of, a stale one in another CDN. Of a URI that ends with "absent": none.
class FakeLocation final : public strata::manager::locate::v1::Location::Service {
 public:
  grpc::Status Trace(grpc::ServerContext* context,
                     const strata::manager::locate::v1::TraceRequest* request,
                     strata::manager::locate::v1::TraceReply* reply) override;

  // Else it is a program from before there were federations.
  std::atomic<bool> federated = false;
};

}  // namespace strata::cli
