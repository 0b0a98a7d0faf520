#include "service_manager/mirror/test_managers.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/store/load_index.h"

namespace strata::manager::mirror::testing {
namespace {

constexpr Duration kMirrorWait = std::chrono::seconds(5);

}  // namespace

TestManager::TestManager(tls::TestAuthority& authority, rpc::Guard& guard,
                         const federation::ScopeLevel& own, const std::string& name,
                         const std::string& folder)
    : own_(own),
      name_(name),
      tls_(*tls::TlsStore::Open(authority.Issue("strata://" + own.scope + "/manager/" + name))) {
  own_store_ = *store::RocksStore::Open({.folder = folder, .on_synced = [this] { OnSynced(); }});
  mirrored_ = *store::MirroredStore::Open(*own_store_, kMirrorWait);
  STRATA_CHECK(store::LoadIndex(*mirrored_, index_).ok());
  book_ = std::make_unique<control::ManagerBook>(*mirrored_);
  holders_ = std::make_unique<control::HolderBook>(*mirrored_);
  STRATA_CHECK(book_->Load().ok() && holders_->Load().ok());
  mirroring_ = std::make_unique<rpc::MirroringService>(*mirrored_, *book_, guard, [this] {
    return rpc::MirroringService::Leader{name_, 17};
  });
  feeds_ = *link::ChildFeeds::Open(own.scope, index_, *mirrored_, *holders_);
  observers_ = std::make_unique<uplink::Observers>(
      [this](uplink::DirectoryObserver* observer) { feeds_->SetObserver(observer); });
  const auto led_by = [this](const std::string& manager) -> Status {
    absl::MutexLock lock(&mutex_);
    if (leader_ == manager) return Ok();
    return Unavailable("%s leads %s", leader_.c_str(), own_.scope.c_str());
  };
  link::FeedService::Options options{
      .own = own, .leads = [this, led_by] { return led_by(name_); }, .follows = led_by};
  auto service = std::make_unique<link::FeedService>(std::move(options), guard, *feeds_, metrics_);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(tls_), &port);
  service->AddTo(builder);
  builder.RegisterService(mirroring_.get());
  server_ = builder.BuildAndStart();
  STRATA_CHECK(server_ != nullptr);
  endpoint_ = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(port)};
  absl::MutexLock lock(&synced_mutex_);
  service_ = std::move(service);
}

TestManager::~TestManager() {
  follower_.reset();
  std::unique_ptr<BackupTellers> tellers;
  {
    absl::MutexLock lock(&synced_mutex_);
    tellers = std::move(tellers_);
  }
  tellers.reset();
  mirrored_->GiveUp();
  mirroring_->Stop();
  service_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  server_->Wait();
  feeds_.reset();
  mirrored_.reset();
  own_store_.reset();  // Its thread tells the service of syncs.
}

void TestManager::OnSynced() {
  absl::MutexLock lock(&synced_mutex_);
  if (service_ != nullptr) service_->OnSynced();
  if (tellers_ != nullptr) tellers_->OnSynced();
}

void TestManager::Lead(uint64_t term, const std::set<std::string>& required) {
  follower_.reset();
  STRATA_CHECK(mirrored_->Lead(term).ok());
  mirrored_->Require(required);
  STRATA_CHECK(book_->Load().ok());
  STRATA_CHECK(service_->Lead().ok());
  BackupTellers::Options options{
      .own = own_, .term = mirrored_->position().term, .backups = [this] { return Backups(); }};
  auto tellers = std::make_unique<BackupTellers>(std::move(options), *observers_, *mirrored_,
                                                 index_, *holders_, tls_);
  {
    absl::MutexLock lock(&synced_mutex_);
    tellers_ = std::move(tellers);
  }
  absl::MutexLock lock(&mutex_);
  leader_ = name_;
}

void TestManager::Follow(const std::string& leader, const std::string& address) {
  follower_.reset();
  {
    absl::MutexLock lock(&mutex_);
    leader_ = leader;
  }
  mirrored_->Follow();
  service_->Follow(Unavailable("%s leads", leader.c_str()));
  std::unique_ptr<BackupTellers> tellers;
  {
    absl::MutexLock lock(&synced_mutex_);
    tellers = std::move(tellers_);
  }
  tellers.reset();
  rpc::MirrorFollower::Options options;
  options.managers = [address] { return std::vector{address}; };
  options.own_address = this->address();
  follower_ = std::make_unique<rpc::MirrorFollower>(std::move(options), *mirrored_, tls_);
  follower_->Enable(true);
}

BackupTellers::Backups TestManager::Backups() const {
  BackupTellers::Backups backups;
  for (const auto& [name, entry] : book_->all()) {
    if (name != name_) backups[name] = entry.address;
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, address] : addresses_) backups[name] = address;
  return backups;
}

void TestManager::SetAddressOf(const TestManager& backup, const std::string& address) {
  absl::MutexLock lock(&mutex_);
  addresses_[backup.name()] = address;
}

uplink::Uplink::State TestManager::StateOf(const TestManager& backup) const {
  for (const BackupTellers::State& state : tellers_->states()) {
    if (state.name == backup.name()) return state.feed;
  }
  return {};
}

bool TestManager::AwaitQuiet(const TestManager& backup) const {
  return control::testing::Eventually([&] { return StateOf(backup).quiet(); });
}

federation::HolderName TestManager::NameOf(directory::Holder holder) const {
  const control::HolderBook::EntryPtr entry = holders_->Find(holder);
  return entry == nullptr ? federation::HolderName{"nobody", std::to_string(holder.value())}
                          : entry->name;
}

link::testing::Known TestManager::known() const {
  return link::testing::KnownOf(index_,
                                [this](directory::Holder holder) { return NameOf(holder); });
}

link::testing::Known TestManager::stored() const {
  link::testing::Known known;
  const auto visited = mirrored_->VisitContents(
      {}, {UINT64_MAX, UINT64_MAX}, [&](const store::ContentView& content) {
        for (const store::StoredLocation& location : content.locations) {
          known.insert({content.key, NameOf(location.location.holder), location.location.flags});
        }
        return true;
      });
  STRATA_CHECK(visited.ok());
  return known;
}

}  // namespace strata::manager::mirror::testing
