#pragma once

#include "proto/site_flow.grpc.pb.h"

namespace strata::cli {

// What the fake manager says of the site "films" in its tree, of an exchange with two farms: lan-a
// is as it should be, of lan-b an engine is behind, and lan-c is not in reach.
class FakeSiteFlow final : public manager::site_flow::v1::SiteFlow::Service {
 public:
  grpc::Status SiteStatus(grpc::ServerContext* context,
                          const manager::site_flow::v1::SiteStatusRequest* request,
                          manager::site_flow::v1::SiteStatusReply* reply) override;
  grpc::Status ListPurges(grpc::ServerContext* context,
                          const manager::site_flow::v1::ListPurgesRequest* request,
                          manager::site_flow::v1::ListPurgesReply* reply) override;
  grpc::Status ShowPurge(grpc::ServerContext* context,
                         const manager::site_flow::v1::ShowPurgeRequest* request,
                         manager::site_flow::v1::ShowPurgeReply* reply) override;
};

}  // namespace strata::cli
