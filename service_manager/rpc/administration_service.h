#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "proto/manager.grpc.pb.h"
#include "service_manager/control/drain_desk.h"
#include "service_manager/control/farm_control.h"
#include "service_manager/control/orders.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::rpc {

// Purges of sites that are for more than the own farm's engines, by whoever looks after the tree of
// managers (site_flow/tree_purges.h).
struct TreePurges {
  // Whether purges of this site go that way.
  std::function<StatusOr<bool>(const std::string& site)> takes;
  // Canonical URIs of one site; waits. Null, and `takes` with it: there is no tree.
  std::function<StatusOr<v1::Purge>(const std::string& site, const std::vector<std::string>& uris,
                                    const std::string& by)>
      purge;
};

// What operators ask and order (proto/manager.proto). Called on gRPC's threads.
class AdministrationService final : public v1::Administration::Service {
 public:
  AdministrationService(control::FarmControl& control, control::Orders& orders,
                        control::DrainDesk& drains, directory::LocationIndex& index, Guard& guard)
      : control_(control), orders_(orders), drains_(drains), index_(index), guard_(guard) {}

  // Before the server starts.
  void SetTree(TreePurges tree) { tree_ = std::move(tree); }
  // Ends streams, so that the server can end.
  void Stop() { stop_ = true; }
  // Orders that are under way wait for nobody any more, and fail.
  void GiveUp() { control_.GiveUp(); }

  grpc::Status ShowFarm(grpc::ServerContext* context, const v1::ShowFarmRequest* request,
                        v1::ShowFarmReply* reply) override;
  grpc::Status VerifyFarm(grpc::ServerContext* context, const v1::VerifyFarmRequest* request,
                          v1::VerifyFarmReply* reply) override;
  grpc::Status Locate(grpc::ServerContext* context, const v1::LocateRequest* request,
                      v1::LocateReply* reply) override;
  grpc::Status ListContent(grpc::ServerContext* context, const v1::ListContentRequest* request,
                           grpc::ServerWriter<v1::Content>* writer) override;
  grpc::Status PurgeContent(grpc::ServerContext* context, const v1::PurgeContentRequest* request,
                            v1::PurgeContentReply* reply) override;
  grpc::Status DrainEngine(grpc::ServerContext* context, const v1::DrainEngineRequest* request,
                           v1::DrainEngineReply* reply) override;
  grpc::Status RemoveEngine(grpc::ServerContext* context, const v1::RemoveEngineRequest* request,
                            v1::RemoveEngineReply* reply) override;
  grpc::Status ListManagers(grpc::ServerContext* context, const v1::ListManagersRequest* request,
                            v1::ListManagersReply* reply) override;
  grpc::Status PromoteManager(grpc::ServerContext* context,
                              const v1::PromoteManagerRequest* request,
                              v1::PromoteManagerReply* reply) override;
  grpc::Status RemoveManager(grpc::ServerContext* context, const v1::RemoveManagerRequest* request,
                             v1::RemoveManagerReply* reply) override;
  grpc::Status ListSites(grpc::ServerContext* context, const v1::ListSitesRequest* request,
                         v1::ListSitesReply* reply) override;
  grpc::Status GetSite(grpc::ServerContext* context, const v1::GetSiteRequest* request,
                       v1::GetSiteReply* reply) override;
  grpc::Status ApplySite(grpc::ServerContext* context, const v1::ApplySiteRequest* request,
                         v1::ApplySiteReply* reply) override;
  grpc::Status RollbackSite(grpc::ServerContext* context, const v1::RollbackSiteRequest* request,
                            v1::ApplySiteReply* reply) override;
  grpc::Status RemoveSite(grpc::ServerContext* context, const v1::RemoveSiteRequest* request,
                          v1::RemoveSiteReply* reply) override;
  grpc::Status ListAudit(grpc::ServerContext* context, const v1::ListAuditRequest* request,
                         v1::ListAuditReply* reply) override;
  grpc::Status FollowEvents(grpc::ServerContext* context, const v1::FollowEventsRequest* request,
                            grpc::ServerWriter<v1::Event>* writer) override;
  grpc::Status CreateBackup(grpc::ServerContext* context, const v1::CreateBackupRequest* request,
                            grpc::ServerWriter<v1::BackupChunk>* writer) override;

 private:
  // Runs what only shows something, for who may see it.
  grpc::Status View(grpc::ServerContext& context, const std::function<Status()>& show);
  // Runs an order for who may give it, and records it as `what`.
  grpc::Status Order(grpc::ServerContext& context, const std::string& what,
                     const std::function<Status(const std::string& by)>& order);
  // `chunk` has what is to be said first.
  Status WriteBackup(const grpc::ServerContext& context, v1::BackupChunk& chunk,
                     grpc::ServerWriter<v1::BackupChunk>& writer);
  // Those that go to the tree are purged there; gives the others.
  StatusOr<std::vector<std::string>> PurgeInTree(const v1::PurgeContentRequest& request,
                                                 const std::string& by,
                                                 v1::PurgeContentReply* reply);
  Status FillLocate(const std::string& uri, v1::LocateReply* reply);
  Status WriteContent(const v1::ListContentRequest& request,
                      grpc::ServerWriter<v1::Content>* writer);

  control::FarmControl& control_;
  control::Orders& orders_;
  control::DrainDesk& drains_;
  directory::LocationIndex& index_;
  Guard& guard_;
  TreePurges tree_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> backups_ = 0;  // That are being made.
};

}  // namespace strata::manager::rpc
