#include "service_manager/link/test_peers.h"

#include <grpcpp/server_builder.h>

#include <array>
#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/tls/grpc_credentials.h"
#include "farm/content_identity.h"
#include "service_manager/store/load_index.h"

namespace strata::manager::link::testing {
namespace {

constexpr int kEngines = 3;
constexpr Duration kPatience = std::chrono::seconds(20);

farm::ContentKey KeyOf(int content) { return farm::KeyOf(UriOf(content)); }

}  // namespace

Known KnownOf(directory::LocationIndex& index,
              const std::function<federation::HolderName(directory::Holder)>& name_of) {
  Known known;
  auto reader = *directory::LocationReader::Register(index);
  directory::LocationReader::Session session(reader);
  for (uint32_t part = 0; part < directory::kParts; ++part) {
    session.VisitPart(
        part, [&](const farm::ContentKey& key, std::span<const directory::Location> locations) {
          for (const directory::Location& location : locations) {
            known.insert({key, name_of(location.holder), location.flags});
          }
        });
  }
  return known;
}

std::string DifferenceOf(const Known& has, const Known& should_have) {
  std::string difference;
  const auto add = [&](const char* what, const Known& there, const Known& not_there) {
    for (const auto& copy : there) {
      if (not_there.contains(copy)) continue;
      const auto& [key, holder, flags] = copy;
      difference += what + farm::ToString(key) + " at " + ToString(holder) + "\n";
    }
  };
  add("lacks ", should_have, has);
  add("has ", has, should_have);
  return difference;
}

std::string UriOf(int content) { return "http://films.example/" + std::to_string(content); }

TestParent::TestParent(std::shared_ptr<const tls::TlsStore> tls, rpc::Guard& guard,
                       const federation::ScopeLevel& own, const std::string& folder) {
  store_ = *store::RocksStore::Open({.folder = folder, .on_synced = [this] {
                                       if (FeedService* service = told_of_syncs_)
                                         service->OnSynced();
                                     }});
  STRATA_CHECK(store::LoadIndex(*store_, index_).ok());
  holders_ = std::make_unique<control::HolderBook>(*store_);
  STRATA_CHECK(holders_->Load().ok());
  feeds_ = *ChildFeeds::Open(own.scope, index_, *store_, *holders_);
  STRATA_CHECK(feeds_->Lead().ok());
  FeedService::Options options{.own = own, .leads = [this] {
                                 absl::MutexLock lock(&mutex_);
                                 return leads_;
                               }};
  service_ = std::make_unique<FeedService>(std::move(options), guard, *feeds_, metrics_);
  told_of_syncs_ = service_.get();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", tls::MakeServerCredentials(std::move(tls)), &port);
  service_->AddTo(builder);
  server_ = builder.BuildAndStart();
  STRATA_CHECK(server_ != nullptr);
  endpoint_ = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(port)};
}

TestParent::~TestParent() {
  service_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  server_->Wait();
  told_of_syncs_ = nullptr;
  store_.reset();  // Its thread may be telling the service still.
}

void TestParent::SetLeads(const Status& leads) {
  absl::MutexLock lock(&mutex_);
  leads_ = leads;
}

double TestParent::metric(std::string_view name) const {
  for (const MetricSample& sample : metrics_.Samples()) {
    if (sample.name == name) return sample.value;
  }
  return -1;
}

Known TestParent::known() const {
  return KnownOf(const_cast<directory::LocationIndex&>(index_), [this](directory::Holder holder) {
    const control::HolderBook::EntryPtr entry = holders_->Find(holder);
    return entry == nullptr ? federation::HolderName() : entry->name;
  });
}

uint64_t TestParent::SizeOf(int content, const federation::HolderName& holder) const {
  const std::optional<directory::Holder> number = holders_->Find(holder);
  if (!number) return 0;
  const auto found = *store_->FindLocation(KeyOf(content), *number);
  return found ? found->size_bytes : 0;
}

std::string TestParent::StoredUriOf(int content) const {
  return store_->FindUri(KeyOf(content))->value_or("");
}

TestChild::TestChild(tls::TestAuthority& authority, const std::string& scope,
                     const std::string& name, uint32_t level)
    : own_{.scope = scope, .level = level},
      paths_(authority.Issue("strata://" + scope + "/manager/" + name)),
      tls_(*tls::TlsStore::Open(paths_)) {}

federation::HolderName TestChild::NameOf(int engine) const {
  return {own_.scope, "e" + std::to_string(engine)};
}

void TestChild::Link(uint64_t epoch, Parents parents, federation::FeedSenderOptions options) {
  link_.reset();
  options.epoch = epoch;
  federation::RangeDigests told;
  for (const auto& [key, holder, flags] : known()) {
    told.Add(key, federation::IdentityOf(holder), static_cast<directory::LocationFlags>(flags));
  }
  link_ = std::make_unique<ParentLink>(
      ParentLink::Options{.own = own_,
                          .parents = std::move(parents),
                          .read = [this](const federation::FeedRead& read,
                                         ParentLink::Found found) { return Read(read, found); }},
      options, told, tls_);
  link_->With([this](federation::FeedSender& sender, Timestamp) {
    for (int engine = 1; engine <= kEngines; ++engine) {
      STRATA_CHECK(sender
                       .SetHolder({.holder = directory::Holder(static_cast<uint32_t>(engine)),
                                   .name = NameOf(engine)})
                       .ok());
    }
  });
  link_->Start();
}

bool TestChild::AwaitQuiet() const {
  return link_->Await([](const ParentLink::State& state) { return state.connected && state.quiet; },
                      kPatience);
}

void TestChild::Put(int engine, int first, int count, uint64_t size) {
  const directory::Holder holder(static_cast<uint32_t>(engine));
  for (int content = first; content < first + count; ++content) {
    const farm::ContentKey key = KeyOf(content);
    const std::string uri = UriOf(content);
    absl::MutexLock lock(&mutex_);
    const bool known = index_.Contains(key);
    const bool had =
        index_.Add(key, {holder, directory::kComplete}) != directory::AddResult::kAdded;
    contents_[key] = {uri, size};
    if (link_ == nullptr) continue;
    link_->With([&](federation::FeedSender& sender, Timestamp now) {
      sender.Tell(
          {.key = key,
           .holder = holder,
           .copy = federation::FeedCopy{.flags = directory::kComplete, .size_bytes = size},
           .uri = known ? std::string_view() : uri},
          had ? std::optional<directory::LocationFlags>(directory::kComplete) : std::nullopt, now);
    });
  }
}

void TestChild::Remove(int engine, int first, int count) {
  const directory::Holder holder(static_cast<uint32_t>(engine));
  for (int content = first; content < first + count; ++content) {
    const farm::ContentKey key = KeyOf(content);
    absl::MutexLock lock(&mutex_);
    if (!index_.Remove(key, holder) || link_ == nullptr) continue;
    link_->With([&](federation::FeedSender& sender, Timestamp now) {
      sender.Tell({.key = key, .holder = holder}, directory::kComplete, now);
    });
  }
}

Known TestChild::known() const {
  return KnownOf(const_cast<directory::LocationIndex&>(index_), [this](directory::Holder holder) {
    return NameOf(static_cast<int>(holder.value()));
  });
}

Status TestChild::Read(const federation::FeedRead& read, ParentLink::Found found) {
  STRATA_ASSIGN_OR_RETURN(auto reader, directory::LocationReader::Register(index_));
  absl::MutexLock lock(&mutex_);
  std::vector<federation::FeedItem> items;
  directory::LocationReader::Session session(reader);
  session.VisitRange(
      federation::RangeOf(read.first),
      [&](const farm::ContentKey& key, std::span<const directory::Location> locations) {
        mutex_.AssertHeld();
        if (key < read.first || read.last < key) return;
        const auto& [uri, size] = contents_.at(key);
        for (const directory::Location& location : locations) {
          const bool first = &location == locations.data();
          items.push_back({.key = key,
                           .holder = location.holder,
                           .copy = {.flags = location.flags, .size_bytes = size},
                           .uri = first ? std::string_view(uri) : std::string_view()});
        }
      });
  found({.last = read.last, .items = items});
  return Ok();
}

}  // namespace strata::manager::link::testing
