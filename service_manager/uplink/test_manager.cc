#include "service_manager/uplink/test_manager.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "farm/content_identity.h"
#include "service_manager/federation/feed/feed_records.h"
#include "service_manager/federation/feed/range_digests.h"
#include "service_manager/federation/policy/projection.h"
#include "service_manager/store/load_index.h"

namespace strata::manager::uplink::testing {
namespace {

using directory::Holder;
using federation::HolderName;

constexpr Duration kPatience = std::chrono::seconds(30);
constexpr size_t kRecordRoom = 64 << 10;

std::string HostOf(int number) { return "films" + std::to_string(number) + ".example"; }

farm::Asset AssetOf(const TestManager::Copy& copy) {
  farm::Asset asset;
  const bool library = (copy.flags & directory::kLibrary) != 0;
  asset.kind = library ? farm::AssetKind::kLibrary : farm::AssetKind::kCache;
  asset.complete = (copy.flags & directory::kComplete) != 0;
  asset.size = copy.size;
  return asset;
}

}  // namespace

std::string UriOf(int content) {
  return "http://" + HostOf(content % 3) + (content % 2 == 0 ? "/a/" : "/b/") +
         std::to_string(content);
}

farm::ContentKey KeyOf(int content) { return farm::KeyOf(UriOf(content)); }

std::shared_ptr<const federation::ForwardingMatcher> PolicyOf(
    std::vector<federation::ForwardingRule> rules) {
  return std::make_shared<federation::ForwardingMatcher>(
      federation::ForwardingPolicy{.rules = std::move(rules)},
      [](const std::string& site) { return site.starts_with("films") ? site + ".example" : ""; });
}

TestManager::TestManager(tls::TestAuthority& authority, uint32_t level, const std::string& folder)
    : scope_(level == 1 ? "cdn-one/lan-a" : "cdn-one/dc-two"),
      farm_(level == 1 ? scope_ : scope_ + "/lan-a"),
      level_(level),
      tls_(*tls::TlsStore::Open(authority.Issue("strata://" + scope_ + "/manager/a"))) {
  store_ = *store::RocksStore::Open({.folder = folder, .on_synced = [this] {
                                       absl::MutexLock lock(&sync_mutex_);
                                       if (Uplink* uplink = told_of_syncs_) uplink->OnSynced();
                                     }});
  STRATA_CHECK(store::LoadIndex(*store_, index_).ok());
  holders_ = std::make_unique<control::HolderBook>(*store_);
  STRATA_CHECK(holders_->Load().ok());
  if (level_ == 1) {
    farm_feed_ = std::make_unique<control::DirectoryFeed>(index_, *store_, metrics_);
  } else {
    child_feeds_ = *link::ChildFeeds::Open(scope_, index_, *store_, *holders_);
    STRATA_CHECK(child_feeds_->Lead().ok());
    STRATA_CHECK(child_feeds_->Connect(farm_, {.epoch = 1, .lowest = 1, .next = 1}).ok());
  }
  options_.own = {.scope = scope_, .level = level_};
  options_.name_of = [this](Holder holder) { return Introduce(holder); };
  options_.observe = [this](DirectoryObserver* observer) {
    if (farm_feed_ != nullptr) farm_feed_->SetObserver(observer);
    if (child_feeds_ != nullptr) child_feeds_->SetObserver(observer);
  };
  options_.limits.walk_pause = std::chrono::milliseconds(1);
}

TestManager::~TestManager() {
  Cease();
  farm_feed_.reset();
  store_.reset();  // Its thread may be telling still.
}

void TestManager::Begin(Parents parents) {
  ++options_.feed.epoch;
  options_.parents = std::move(parents);
  uplink_ = *Uplink::Start(options_, *store_, index_, tls_);
  absl::MutexLock lock(&sync_mutex_);
  told_of_syncs_ = uplink_.get();
}

void TestManager::Cease() {
  {
    absl::MutexLock lock(&sync_mutex_);
    told_of_syncs_ = nullptr;
  }
  uplink_.reset();
}

void TestManager::SetPolicy(std::shared_ptr<const federation::ForwardingMatcher> policy) {
  options_.policy = policy;
  if (uplink_ != nullptr) uplink_->SetPolicy(std::move(policy));
}

bool TestManager::AwaitQuiet() const {
  return uplink_->Await([](const Uplink::State& state) { return state.quiet(); }, kPatience);
}

HolderName TestManager::NameOf(int engine) const { return {farm_, "e" + std::to_string(engine)}; }

std::optional<federation::Introduction> TestManager::Introduce(Holder holder) const {
  if (holder.value() >= control::kHolderNumberFirst) {
    const control::HolderBook::EntryPtr entry = holders_->Find(holder);
    if (entry == nullptr) return std::nullopt;
    return federation::Introduction{holder, entry->name, entry->clients};
  }
  const int engine = static_cast<int>(holder.value());
  absl::MutexLock lock(&hidden_mutex_);
  if (hidden_.contains(engine)) return std::nullopt;
  return federation::Introduction{holder, NameOf(engine)};
}

void TestManager::Hide(int engine, bool hidden) {
  absl::MutexLock lock(&hidden_mutex_);
  if (hidden) {
    hidden_.insert(engine);
  } else {
    hidden_.erase(engine);
  }
}

// ---- What happens.

void TestManager::Append(const std::function<void(ByteWriter&)>& encode) {
  Bytes bytes(kRecordRoom);
  ByteWriter writer(bytes);
  encode(writer);
  STRATA_CHECK(writer.ok());
  records_.insert(records_.end(), bytes.begin(),
                  bytes.begin() + static_cast<ptrdiff_t>(writer.size()));
  ++count_;
}

void TestManager::Put(int engine, int content, const Copy& copy) {
  const auto before = copies_.find({engine, content});
  const bool as_before = before != copies_.end() && before->second == copy;
  copies_[{engine, content}] = copy;
  if (farm_feed_ != nullptr) {
    const farm::Asset asset = AssetOf(copy);
    farm_feed_->OnCopy(farm::EngineId(static_cast<uint32_t>(engine)), KeyOf(content), &asset,
                       as_before);
    return;
  }
  if (introduced_.insert(engine).second) {
    const federation::Introduction introduction{Holder(static_cast<uint32_t>(engine)),
                                                NameOf(engine)};
    Bytes bytes(federation::EncodedBytes(introduction));
    ByteWriter writer(bytes);
    Encode(introduction, writer);
    introductions_.insert(introductions_.end(), bytes.begin(), bytes.end());
  }
  const std::string uri = copy.with_uri ? UriOf(content) : "";
  Append([&](ByteWriter& writer) {
    Encode(federation::FeedChange{.key = KeyOf(content),
                                  .holder = Holder(static_cast<uint32_t>(engine)),
                                  .copy = federation::FeedCopy{.flags = copy.flags,
                                                               .size_bytes = copy.size},
                                  .uri = uri},
           writer);
  });
}

void TestManager::Remove(int engine, int content) {
  if (copies_.erase({engine, content}) == 0) return;
  if (farm_feed_ != nullptr) {
    farm_feed_->OnCopy(farm::EngineId(static_cast<uint32_t>(engine)), KeyOf(content), nullptr,
                       false);
    return;
  }
  Append([&](ByteWriter& writer) {
    Encode(federation::FeedChange{.key = KeyOf(content),
                                  .holder = Holder(static_cast<uint32_t>(engine))},
           writer);
  });
}

void TestManager::TellUri(int content) { farm_feed_->AddUri(KeyOf(content), UriOf(content)); }

void TestManager::TellAnew(int content) {
  const uint32_t range = federation::RangeOf(KeyOf(content));
  struct Item {
    federation::FeedItem item;
    federation::HolderIdentity identity;
    std::string uri;
  };
  std::vector<Item> items;
  for (const auto& [place, copy] : copies_) {
    const auto& [engine, one] = place;
    if (federation::RangeOf(KeyOf(one)) != range) continue;
    items.push_back({.item = {.key = KeyOf(one),
                              .holder = Holder(static_cast<uint32_t>(engine)),
                              .copy = {.flags = copy.flags, .size_bytes = copy.size}},
                     .identity = federation::IdentityOf(NameOf(engine)),
                     .uri = UriOf(one)});
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::pair(a.item.key, a.identity) < std::pair(b.item.key, b.identity);
  });
  std::vector<federation::FeedItem> ordered;
  for (const Item& item : items) {
    const bool first = ordered.empty() || ordered.back().key != item.item.key;
    ordered.push_back(item.item);
    if (first) ordered.back().uri = item.uri;
  }
  Append([&](ByteWriter& writer) {
    federation::EncodeInterval(federation::FirstKeyOf(range), federation::LastKeyOf(range), ordered,
                               writer);
  });
}

void TestManager::Commit() {
  if (child_feeds_ == nullptr || count_ == 0) return;
  Bytes batch(federation::kFeedBatchHeadBytes);
  ByteWriter writer(batch);
  Encode(
      federation::FeedBatchHead{
          .epoch = 1, .first_sequence = sequence_ + 1, .anew = sequence_ == 0, .records = count_},
      writer);
  batch.insert(batch.end(), introductions_.begin(), introductions_.end());
  batch.insert(batch.end(), records_.begin(), records_.end());
  sequence_ += std::exchange(count_, 0);
  introductions_.clear();
  records_.clear();
  const Status taken = child_feeds_->Take(farm_, batch);
  STRATA_CHECK(taken.ok(), "%s", MessageOf(taken).c_str());
  (void)child_feeds_->AnswersFor(farm_);  // Gives credit.
}

// ---- What the parent shall know.

void TestManager::Visit(const std::function<void(const farm::ContentKey&, const std::string&,
                                                 const federation::Projection&)>& visit) const {
  const auto visited =
      store_->VisitContents({}, {UINT64_MAX, UINT64_MAX}, [&](const store::ContentView& content) {
        std::vector<directory::Location> copies;
        for (const store::StoredLocation& copy : content.locations) {
          copies.push_back(copy.location);
        }
        const std::string uri(content.uri);
        visit(content.key, uri,
              federation::ProjectionOf(copies, options_.policy->TreatmentOf(uri), kOwnScope));
        return true;
      });
  STRATA_CHECK(visited.ok());
}

link::testing::Known TestManager::expected() const {
  link::testing::Known known;
  Visit([&](const farm::ContentKey& key, const std::string&,
            const federation::Projection& projection) {
    for (const directory::Location& copy : projection) {
      if (copy.holder == kOwnScope) {
        known.insert({key, HolderName{scope_, ""}, copy.flags});
      } else if (const auto introduction = Introduce(copy.holder)) {
        known.insert({key, introduction->name, copy.flags});
      }
    }
  });
  return known;
}

std::set<std::string> TestManager::expected_uris() const {
  std::set<std::string> uris;
  Visit([&](const farm::ContentKey&, const std::string& uri,
            const federation::Projection& projection) {
    const bool told = std::any_of(projection.begin(), projection.end(), [this](const auto& copy) {
      return copy.holder == kOwnScope || Introduce(copy.holder).has_value();
    });
    if (told && !uri.empty()) uris.insert(uri);
  });
  return uris;
}

}  // namespace strata::manager::uplink::testing
