#pragma once

#include <grpcpp/server.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/address.h"
#include "common/metrics.h"
#include "common/tls/test_authority.h"
#include "common/tls/tls_files.h"
#include "service_manager/hierarchy/attachments.h"
#include "service_manager/hierarchy/hierarchy_service.h"
#include "service_manager/hierarchy/own_tree.h"
#include "service_manager/hierarchy/parent_attachment.h"
#include "service_manager/rpc/guard.h"

namespace strata::manager::hierarchy::testing {

// A manager for tests, as far as the tree goes: with a real certificate, server, and attachment to
// a parent.
class TestManager {
 public:
  // Leads, until it is told otherwise. `guard`: there is one in a process.
  TestManager(tls::TestAuthority& authority, rpc::Guard& guard, const federation::ScopeLevel& own,
              const std::string& name);
  ~TestManager();

  using Parents = std::function<std::vector<std::string>()>;
  // Begins to lead, by this epoch.
  void AttachTo(Parents parents, uint64_t epoch = 1);
  void Detach();

  void SetLeads(const Status& leads);
  // What the application knows of it.
  void Change(const std::function<void(OwnPart&)>& change);

  Attachments& children() { return children_; }
  HierarchyService& service() { return *service_; }
  ParentAttachment& attachment() { return *attachment_; }
  const OwnTree& tree() const { return tree_; }
  const federation::ScopeLevel& own() const { return tree_.own(); }
  std::string address() const { return ToString(endpoint_); }
  const Endpoint& endpoint() const { return endpoint_; }
  const tls::TlsPaths& paths() const { return paths_; }
  tls::TlsStore& tls() { return *tls_; }
  double refused() const;
  // Of its scope and those beneath.
  std::vector<std::string> Scopes() const;

 private:
  Above AboveNow() const;
  void OnChange();

  const tls::TlsPaths paths_;
  const std::shared_ptr<tls::TlsStore> tls_;
  MetricRegistry metrics_;
  mutable absl::Mutex mutex_;
  Status leads_ ABSL_GUARDED_BY(mutex_);
  OwnPart part_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<ParentAttachment> current_ ABSL_GUARDED_BY(mutex_);
  Attachments children_{[this] { OnChange(); }};
  OwnTree tree_;
  std::unique_ptr<HierarchyService> service_;
  std::shared_ptr<ParentAttachment> attachment_;
  Endpoint endpoint_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace strata::manager::hierarchy::testing
