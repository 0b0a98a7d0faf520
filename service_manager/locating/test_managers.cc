#include "service_manager/locating/test_managers.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <optional>

#include "absl/synchronization/notification.h"
#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "farm/content_identity.h"

namespace strata::manager::locating::testing {

using federation::LocalCopies;
using federation::LocateAnswer;
using federation::LocatedCopy;
using federation::LocateQuestion;

LocateQuestion QuestionOf(const std::string& uri, Duration time_left) {
  return {.key = farm::KeyOf(uri), .canonical_uri = uri, .time_left = time_left};
}

StatusOr<LocateAnswer> Ask(Locator& locator, LocateQuestion question) {
  absl::Notification answered;
  StatusOr<LocateAnswer> result = Unavailable("not answered");
  locator.Locate(std::move(question), [&](StatusOr<LocateAnswer> answer) {
    result = std::move(answer);
    answered.Notify();
  });
  answered.WaitForNotification();
  return result;
}

LocatedCopy CopyOf(std::string scope, std::string engine) {
  return {.holder = {std::move(scope), std::move(engine)}};
}

TestManager::TestManager(tls::TestAuthority& authority, control::AuditLog& audit, Options options)
    : options_(std::move(options)),
      paths_(authority.Issue(
          "strata://" +
          (options_.certificate_scope.empty() ? options_.own.scope : options_.certificate_scope) +
          "/manager/" + options_.name)),
      tls_(*tls::TlsStore::Open(paths_)),
      guard_(tls_, options_.own.scope, audit, metrics_,
             options_.own.level == federation::kLevelMax) {
  federation::LocateSettings desk = options_.desk;
  desk.has_parent = options_.has_parent;
  locator_ = std::make_unique<Locator>(
      Locator::Options{.own = options_.own,
                       .desk = desk,
                       .directory = [this](const farm::ContentKey& key) { return Look(key); },
                       .site_of = [](std::string_view) { return std::string("films"); }},
      tls_, metrics_);
  LocationService::Options service{
      .leads =
          [this] {
            absl::MutexLock lock(&mutex_);
            return leads_;
          },
      .name = [](const std::string& uri) -> StatusOr<LocationService::Named> {
        if (!uri.starts_with("http://films.example/")) {
          return NotFound("no site has the host of %s", uri.c_str());
        }
        return LocationService::Named{
            .site = "films", .canonical_uri = uri, .key = farm::KeyOf(uri)};
      }};
  service_ = std::make_unique<LocationService>(std::move(service), guard_, *locator_);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options_.listen, tls::MakeServerCredentials(tls_), &port);
  service_->AddTo(builder);
  server_ = builder.BuildAndStart();
  STRATA_CHECK(server_ != nullptr && port > 0);
  endpoint_ = *Endpoint::Parse(options_.listen);
  endpoint_.port = static_cast<uint16_t>(port);
}

TestManager::~TestManager() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  server_->Wait();
  locator_->Stop();
}

void TestManager::SetLocal(const std::string& uri, LocalCopies local) {
  absl::MutexLock lock(&mutex_);
  local_.insert_or_assign(farm::KeyOf(uri), std::move(local));
}

void TestManager::SetOthers(LocalCopies local) {
  absl::MutexLock lock(&mutex_);
  others_ = std::move(local);
}

void TestManager::SetLeads(const Status& leads) {
  absl::MutexLock lock(&mutex_);
  leads_ = leads;
}

LocalCopies TestManager::Look(const farm::ContentKey& key) {
  absl::MutexLock lock(&mutex_);
  const auto found = local_.find(key);
  return found == local_.end() ? others_ : found->second;
}

double TestManager::Metric(std::string_view name) const {
  for (const MetricSample& sample : metrics_.Samples()) {
    if (sample.name == name) return sample.value;
  }
  return -1;
}

void TestManager::Adopt(TestManager& child) { Adopt(child, {child.address()}, {address()}); }

void TestManager::Adopt(TestManager& child, const std::vector<std::string>& to_child,
                        const std::vector<std::string>& to_parent) {
  STRATA_CHECK(locator_->SetChild(child.own(), to_child).ok());
  STRATA_CHECK(child.locator().SetParent(own(), to_parent).ok());
}

}  // namespace strata::manager::locating::testing
