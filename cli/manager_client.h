#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/status.h"
#include "common/time.h"
#include "common/tls/tls_files.h"
#include "proto/hierarchy.pb.h"
#include "proto/locate.pb.h"
#include "proto/manager.pb.h"
#include "proto/site_flow.pb.h"

namespace strata::cli {

namespace api = strata::manager::v1;
namespace locate_api = strata::manager::locate::v1;
namespace tree = strata::manager::hierarchy::v1;
namespace flow = strata::manager::site_flow::v1;

inline constexpr size_t kManagersMax = 16;

struct ManagerOptions {
  std::vector<std::string> managers;  // HOST:PORT each, at least one; asked in this order.
  tls::TlsPaths paths;
  Duration timeout{};
};

// The administrative calls of a farm's Service Managers, each waiting for its answer; a thread at a
// time. A call that one manager cannot take (nobody answers there, or it does not lead the farm and
// says so) goes to the next, all within the timeout; later calls begin with the one that answered.
// An order whose connection broke is not given twice: it may have been carried out.
//
// Errors are sentences for people that say what to do: kUnavailable and kDeadlineExceeded when no
// manager answers, kUnauthenticated and kPermissionDenied when it refuses, else the manager's own.
class ManagerClient {
 public:
  // Reads the certificates; does not connect yet.
  static StatusOr<std::unique_ptr<ManagerClient>> Open(const ManagerOptions& options);
  virtual ~ManagerClient() = default;

  virtual StatusOr<api::ShowFarmReply> ShowFarm() = 0;
  virtual StatusOr<api::VerifyFarmReply> VerifyFarm() = 0;
  virtual StatusOr<api::LocateReply> Locate(const std::string& uri) = 0;
  // Across the federation; `trace`: the whole way, whatever is remembered, and tells it.
  // Unimplemented: by a manager of a version without it.
  virtual StatusOr<locate_api::TraceReply> Trace(const std::string& uri, bool trace) = 0;
  virtual StatusOr<api::PurgeContentReply> PurgeContent(const std::vector<std::string>& uris) = 0;
  virtual Status DrainEngine(const std::string& engine, bool draining) = 0;
  virtual Status RemoveEngine(const std::string& engine) = 0;
  virtual StatusOr<api::ListManagersReply> ListManagers() = 0;
  // Of the manager that is asked, which has to be of this name.
  virtual Status PromoteManager(const std::string& name, bool anyway) = 0;
  virtual Status RemoveManager(const std::string& name) = 0;
  virtual StatusOr<api::ListSitesReply> ListSites() = 0;
  virtual StatusOr<api::GetSiteReply> GetSite(const std::string& name, uint64_t version) = 0;
  virtual StatusOr<api::ApplySiteReply> ApplySite(const api::ApplySiteRequest& request) = 0;
  virtual StatusOr<api::ApplySiteReply> RollbackSite(const std::string& name, uint64_t version) = 0;
  virtual Status RemoveSite(const std::string& name) = 0;
  virtual StatusOr<api::ListAuditReply> ListAudit(uint32_t limit) = 0;
  // The tree beneath the manager, and what is above.
  virtual StatusOr<tree::TreeReply> ShowTree() = 0;
  // What its parent is told of. `uri`: to test the policy with; empty: none.
  virtual StatusOr<tree::PolicyReply> ShowPolicy(const std::string& uri) = 0;

  // Sites and purges in the tree of managers.
  virtual StatusOr<flow::SiteStatusReply> SiteStatus(const std::string& site) = 0;
  // `site` empty: of all sites. `limit` 0: as many as the manager likes.
  virtual StatusOr<flow::ListPurgesReply> ListPurges(const std::string& site, uint32_t limit) = 0;
  virtual StatusOr<flow::ShowPurgeReply> ShowPurge(const std::string& id) = 0;

  // For each one as it comes. Following events has no end by itself, and no timeout.
  virtual Status ListContent(const api::ListContentRequest& request,
                             const std::function<void(const api::Content&)>& each) = 0;
  // Ends when nothing came for the timeout, or with an error of `each`.
  virtual Status CreateBackup(const std::function<Status(const api::BackupChunk&)>& each) = 0;
  virtual Status FollowEvents(const api::FollowEventsRequest& request,
                              const std::function<void(const api::Event&)>& each) = 0;
};

}  // namespace strata::cli
