#include "service_manager/hierarchy/test_manager.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "multicast/driver/clock.h"

namespace strata::manager::hierarchy::testing {

TestManager::TestManager(tls::TestAuthority& authority, rpc::Guard& guard,
                         const federation::ScopeLevel& own, const std::string& name)
    : paths_(authority.Issue("strata://" + own.scope + "/manager/" + name)),
      tls_(*tls::TlsStore::Open(paths_)),
      tree_(
          own,
          [this] {
            absl::MutexLock lock(&mutex_);
            return part_;
          },
          children_) {
  HierarchyService::Options options{
      .leads =
          [this] {
            absl::MutexLock lock(&mutex_);
            return leads_;
          },
      .above = [this] { return AboveNow(); },
      .canonical = [](const std::string& uri) -> StatusOr<std::string> {
        if (uri.starts_with("http://")) return uri;
        return InvalidArgument("\"%s\" is no URI", uri.c_str());
      }};
  service_ =
      std::make_unique<HierarchyService>(std::move(options), guard, tree_, children_, metrics_);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.SetMaxReceiveMessageSize(kAttachMessageBytesMax);
  builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port);
  service_->AddTo(builder);
  server_ = builder.BuildAndStart();
  STRATA_CHECK(server_ != nullptr);
  endpoint_ = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(port)};
  part_.part.managers = {{.name = name, .address = address(), .state = ManagerState::kLeads}};
  if (own.level == federation::kLevelMin) {
    part_.load = {{.scope = own.scope, .age = {}, .load = {.engines = 3}, .impaired = {}}};
    part_.engines = part_.engines_up = 3;
  }
}

TestManager::~TestManager() {
  Detach();
  service_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  server_->Wait();
}

void TestManager::AttachTo(Parents parents, uint64_t epoch) {
  Detach();
  ParentAttachment::Options options{
      .own = own(), .epoch = epoch, .parents = std::move(parents), .changed = [this] {
        service_->TellChildren();
      }};
  attachment_ = std::make_shared<ParentAttachment>(std::move(options), tree_, tls_);
  {
    absl::MutexLock lock(&mutex_);
    current_ = attachment_;
    part_.up = LinkUp{.connected = true};
  }
  attachment_->Start();
}

void TestManager::Detach() {
  {
    absl::MutexLock lock(&mutex_);
    current_.reset();
  }
  if (attachment_ != nullptr) attachment_->Stop();
  attachment_.reset();
}

void TestManager::SetLeads(const Status& leads) {
  absl::MutexLock lock(&mutex_);
  leads_ = leads;
}

void TestManager::Change(const std::function<void(OwnPart&)>& change) {
  {
    absl::MutexLock lock(&mutex_);
    change(part_);
  }
  OnChange();
  service_->TellChildren();
}

void TestManager::OnChange() {
  absl::MutexLock lock(&mutex_);
  if (current_ != nullptr) current_->TellSoon();
}

Above TestManager::AboveNow() const {
  std::shared_ptr<ParentAttachment> attachment;
  {
    absl::MutexLock lock(&mutex_);
    attachment = current_;
  }
  if (attachment == nullptr) return std::nullopt;
  return attachment->state();
}

double TestManager::refused() const {
  for (const MetricSample& sample : metrics_.Samples()) {
    if (sample.name == "strata_hierarchy_refused_total") return sample.value;
  }
  return -1;
}

std::vector<std::string> TestManager::Scopes() const {
  std::vector<std::string> scopes;
  for (const SubtreeScope& scope : tree_.At(multicast::Now()).report.subtree.scopes) {
    scopes.push_back(scope.place.scope + (scope.heard ? "" : " (away)"));
  }
  return scopes;
}

}  // namespace strata::manager::hierarchy::testing
