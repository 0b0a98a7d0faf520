// Both ends of a feed over a link that loses whole streams, with restarts of either side, queues
// that overflow, and an index whose bits turn: docs/protocols/federation.md, 3.

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "farm/content_identity.h"
#include "service_manager/directory/location_index.h"
#include "service_manager/directory/location_reader.h"
#include "service_manager/federation/feed/feed_receiver.h"
#include "service_manager/federation/feed/feed_sender.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;
using directory::Location;
using directory::LocationFlags;

constexpr char kScope[] = "cdn-one/lan-a";
constexpr uint32_t kHolders = 6;

struct Content {
  std::string uri;
  farm::ContentKey key;
};
// Many in few ranges: so ranges are read in several steps.
const std::vector<Content>& Contents() {
  static const std::vector<Content> contents = [] {
    std::vector<Content> found;
    for (uint64_t number = 0; found.size() < 200; ++number) {
      const std::string uri = "http://films.example/" + std::to_string(number);
      const farm::ContentKey key = farm::KeyOf(uri);
      if (RangeOf(key) % 1000 == 95) found.push_back({.uri = uri, .key = key});
    }
    return found;
  }();
  return contents;
}

HolderName NameOf(Holder holder) {
  return {kScope, holder.value() == 0 ? "" : "engine-" + std::to_string(holder.value())};
}

// Who has what, by key and name: what both ends are compared by.
using Directory = std::map<std::pair<farm::ContentKey, HolderName>, LocationFlags>;

// The child: its projection, and the sender that tells it.
class Child {
 public:
  // Without checks what goes wrong is not repaired.
  Child(SeededRandom& random, bool checks)
      : random_(random), checks_(checks), contents_(1 + random.Below(Contents().size())) {
    Restart();
  }

  // Another manager of the scope, or the same one again: what is there stays, the queue does not.
  void Restart() {
    RangeDigests digests;
    for (const auto& [key, holders] : copies_) {
      for (const auto& [holder, flags] : holders)
        digests.Add(key, IdentityOf(NameOf(holder)), flags);
    }
    FeedSenderOptions options;
    options.epoch = ++epoch_;
    options.kept_records_max = 1 + random_.Below(200);
    options.kept_bytes_max = size_t{2} << 20;
    options.batch_records = 1 + random_.Below(40);
    options.read_items = 1 + random_.Below(5);
    options.check_cycle = checks_ ? std::chrono::seconds(100) : Duration::zero();
    sender_ = std::make_unique<FeedSender>(options, digests);
    for (uint32_t i = 0; i < kHolders; ++i) {
      EXPECT_TRUE(sender_->SetHolder({.holder = Holder(i), .name = NameOf(Holder(i))}).ok());
    }
    read_.reset();
  }

  // A copy comes, changes or goes.
  void Churn(Timestamp now) {
    const Content& content = Contents()[random_.Below(contents_)];
    const Holder holder(static_cast<uint32_t>(random_.Below(kHolders)));
    std::map<Holder, LocationFlags>& holders = copies_[content.key];
    FeedChange change{.key = content.key, .holder = holder};
    std::optional<LocationFlags> before;
    if (const auto found = holders.find(holder); found != holders.end()) before = found->second;
    if (before && random_.Chance(0.6)) {
      holders.erase(holder);
    } else {
      if (holders.empty()) change.uri = content.uri;
      const auto flags = static_cast<LocationFlags>(random_.Below(4));
      change.copy = {.flags = flags, .size_bytes = 1000, .remaining = {}, .validator = "v"};
      holders[holder] = flags;
    }
    sender_->Tell(change, before, now);
  }

  // Begins a read, or ends the one that is under way, as its own pace has it. What a read sees is
  // of the one or of the other moment.
  void Read(Timestamp now) {
    if (read_ && random_.Chance(0.5)) {
      if (random_.Chance(0.5)) Look();
      sender_->TakeRead(*read_, {.last = found_last_, .items = found_}, now);
      read_.reset();
      return;
    }
    if (read_) return;
    read_ = sender_->NextRead(now);
    if (read_) Look();
  }

  bool reading() const { return read_.has_value(); }
  FeedSender& sender() { return *sender_; }

  Directory Projection() const {
    Directory directory;
    for (const auto& [key, holders] : copies_) {
      for (const auto& [holder, flags] : holders) directory[{key, NameOf(holder)}] = flags;
    }
    return directory;
  }

 private:
  void Look() {
    found_.clear();
    found_last_ = read_->last;
    auto at = copies_.lower_bound(read_->first);
    for (; at != copies_.end() && !(read_->last < at->first); ++at) {
      if (found_.size() >= read_->items) {
        found_last_ = std::prev(at)->first;
        break;
      }
      for (const auto& [holder, flags] : at->second) {
        FeedItem item{.key = at->first, .holder = holder};
        item.copy.flags = flags;
        if (holder == at->second.begin()->first) item.uri = UriOf(at->first);
        found_.push_back(item);
      }
    }
  }
  std::string_view UriOf(const farm::ContentKey& key) const {
    for (const Content& content : Contents()) {
      if (content.key == key) return content.uri;
    }
    return {};
  }

  SeededRandom& random_;
  const bool checks_;
  const uint64_t contents_;
  uint64_t epoch_ = 0;
  std::map<farm::ContentKey, std::map<Holder, LocationFlags>> copies_;
  std::unique_ptr<FeedSender> sender_;
  std::optional<FeedRead> read_;
  std::vector<FeedItem> found_;
  farm::ContentKey found_last_;
};

// The parent: an index, and a store whose last writes a loss of power may take.
class Parent {
 public:
  explicit Parent(SeededRandom& random) : random_(random) { Restart(); }

  // Everything that is not durable is forgotten.
  void Restart() {
    written_ = durable_;
    receiver_.reset();
    reader_.reset();
    index_ = std::make_unique<directory::LocationIndex>(random_);
    StatusOr<directory::LocationReader> reader = directory::LocationReader::Register(*index_);
    ASSERT_TRUE(reader.ok());
    reader_ = std::make_unique<directory::LocationReader>(std::move(*reader));
    KnownOfChild known{.position = durable_.position, .holders = {}, .digests = {}};
    for (const auto& [copy, flags] : durable_.copies) {
      index_->Add(copy.first, {.holder = NumberOf(copy.second), .flags = flags});
      known.digests.Add(copy.first, IdentityOf(copy.second), flags);
    }
    for (const auto& [name, number] : numbers_) known.holders.push_back({number, name});
    receiver_ = std::make_unique<FeedReceiver>(
        FeedReceiverOptions{.child = kScope, .window = window()}, *index_, *reader_, known);
  }

  StatusOr<FeedReceiver::Received> Take(const Bytes& batch) {
    StatusOr<FeedReceiver::Received> received = receiver_->Take(
        batch,
        [this](const Introduction& introduction) -> StatusOr<Holder> {
          return NumberOf(introduction.name);
        },
        [this](const ToldCopy& told) { return Apply(told); });
    if (received.ok()) written_.position = received->position;
    return received;
  }

  std::optional<FeedAcknowledgement> Sync() {
    durable_ = written_;
    return receiver_->OnDurable(durable_.position);
  }

  // One copy is not any more what it was, or there is one that never was.
  void TurnBits() {
    if (written_.copies.empty()) return;
    auto at = written_.copies.begin();
    std::advance(at, static_cast<ptrdiff_t>(random_.Below(written_.copies.size())));
    const auto& [copy, flags] = *at;
    if (random_.Chance(0.4)) {
      index_->Remove(copy.first, NumberOf(copy.second));
    } else if (random_.Chance(0.5)) {
      const auto bent = static_cast<LocationFlags>(flags ^ 1);
      index_->Add(copy.first, {.holder = NumberOf(copy.second), .flags = bent});
    } else {
      index_->Add({copy.first.high ^ 1, copy.first.low}, {.holder = NumberOf(copy.second)});
    }
  }

  Directory Known() {
    Directory directory;
    directory::LocationReader::Session session(*reader_);
    for (uint32_t part = 0; part < directory::kParts; ++part) {
      session.VisitPart(part,
                        [&](const farm::ContentKey& key, std::span<const Location> locations) {
                          for (const Location& location : locations) {
                            directory[{key, names_[location.holder]}] = location.flags;
                          }
                        });
    }
    return directory;
  }
  bool KnowsUriOf(const farm::ContentKey& key) const { return written_.uris.contains(key); }
  FeedReceiver& receiver() { return *receiver_; }
  const FeedPosition& durable() const { return durable_.position; }
  static FeedCredit window() {
    return {.records = kFeedBatchRecordsMax, .bytes = kFeedBatchBytesMax};
  }

 private:
  struct Stored {
    Directory copies;
    std::map<farm::ContentKey, std::string> uris;
    FeedPosition position;
  };

  // Numbers are intent: durable before they are used.
  Holder NumberOf(const HolderName& name) {
    const auto [at, fresh] = numbers_.try_emplace(name, Holder(1000 + numbers_.size()));
    if (fresh) names_[at->second] = name;
    return at->second;
  }
  bool Apply(const ToldCopy& told) {
    const HolderName& name = names_[told.holder];
    if (told.copy == nullptr) {
      index_->Remove(told.key, told.holder);
      written_.copies.erase({told.key, name});
      return true;
    }
    if (!told.uri.empty()) written_.uris[told.key] = told.uri;
    written_.copies[{told.key, name}] = told.copy->flags;
    index_->Add(told.key, {.holder = told.holder, .flags = told.copy->flags});
    return true;
  }

  SeededRandom& random_;
  std::map<HolderName, Holder> numbers_;
  std::map<Holder, HolderName> names_;
  Stored written_, durable_;
  std::unique_ptr<directory::LocationIndex> index_;
  std::unique_ptr<directory::LocationReader> reader_;
  std::unique_ptr<FeedReceiver> receiver_;
};

// The link and the time.
class Federation {
 public:
  Federation(uint64_t seed, bool checks)
      : random_(seed), checks_(checks), child_(random_, checks), parent_(random_) {}

  Child& child() { return child_; }
  Parent& parent() { return parent_; }

  // One thing happens.
  void Step() {
    now_ += std::chrono::milliseconds(random_.Below(20));
    if (!connected_) return Connect();
    switch (random_.Below(5)) {
      case 0:
        return Send();
      case 1:
        return Deliver();
      case 2:
        return Answer();
      case 3:
        return child_.Read(now_);
      default:
        if (random_.Chance(0.7)) Queue(parent_.Sync());
    }
  }
  void StepAndChurn() {
    Step();
    if (random_.Chance(0.3)) child_.Churn(now_);
    const bool same = parent_.durable().epoch == child_.sender().greeting().epoch;
    if (same && connected_) {
      EXPECT_LE(child_.sender().acknowledged(), parent_.durable().sequence);
    }
  }
  void Churn(size_t changes) {
    for (size_t i = 0; i < changes; ++i) child_.Churn(now_);
  }
  // What was in flight is lost.
  void Break() {
    connected_ = false;
    child_.sender().Disconnected();
    down_.clear();
    up_.clear();
  }
  // Something happens that should not. Gives the counts of a sender that is no more.
  FeedSenderCounts Trouble() {
    const FeedSenderCounts counts = child_.sender().counts();
    switch (random_.Below(8)) {
      case 0:
        Break();
        child_.Restart();
        return counts;
      case 1:
        Break();
        parent_.Restart();
        break;
      case 2:
        if (checks_) parent_.TurnBits();
        break;
      case 3:
      case 4:
        Break();
        break;
      default:
        Churn(random_.Below(60));
    }
    return {};
  }
  // Runs until nothing more is to be told, and each range was compared since if any is.
  void Quiet() {
    const uint64_t checked =
        child_.sender().counts().checks + (checks_ ? 2 * directory::kRanges : 0);
    for (size_t i = 0; i < 4'000'000; ++i) {
      if (connected_ && child_.sender().Quiet() && !child_.reading() &&
          child_.sender().counts().checks >= checked) {
        return;
      }
      if (random_.Chance(0.02)) now_ += std::chrono::milliseconds(200);
      Step();
    }
    ADD_FAILURE() << "there is no end: " << child_.sender().dirty_ranges() << " ranges dirty, "
                  << child_.sender().kept_records() << " records kept";
  }

 private:
  void Connect() {
    const StatusOr<FeedWelcome> welcome = parent_.receiver().Connected(child_.sender().greeting());
    ASSERT_TRUE(welcome.ok()) << welcome.status();
    const Status connected = child_.sender().Connected(*welcome, now_);
    ASSERT_TRUE(connected.ok()) << connected;
    connected_ = true;
  }
  void Send() {
    Bytes batch;
    if (child_.sender().NextBatch(now_, batch)) up_.push_back(std::move(batch));
  }
  void Deliver() {
    if (up_.empty()) return;
    const StatusOr<FeedReceiver::Received> received = parent_.Take(up_.front());
    ASSERT_TRUE(received.ok()) << received.status();
    up_.pop_front();
    for (const FeedComparison& comparison : received->comparisons)
      down_.push_back({comparison, {}});
    Queue(parent_.receiver().OnDurable({}));
  }
  void Queue(const std::optional<FeedAcknowledgement>& acknowledgement) {
    if (acknowledgement) down_.push_back({{}, acknowledgement});
  }
  void Answer() {
    if (down_.empty()) return;
    const auto [comparison, acknowledgement] = down_.front();
    down_.pop_front();
    const Status status = acknowledgement ? child_.sender().OnAcknowledgement(*acknowledgement)
                                          : child_.sender().OnComparison(*comparison);
    ASSERT_TRUE(status.ok()) << status;
  }

  SeededRandom random_;
  const bool checks_;
  Timestamp now_;
  bool connected_ = false;
  std::deque<Bytes> up_;
  struct Word {
    std::optional<FeedComparison> comparison;
    std::optional<FeedAcknowledgement> acknowledgement;
  };
  std::deque<Word> down_;

  Child child_;
  Parent parent_;
};

// What has to happen in one of the runs at least, so that they show something.
struct Events {
  uint64_t resumed = 0, begun_anew = 0, overflows = 0, suppressed = 0, refreshed = 0;
  uint64_t differing = 0;

  void Add(const FeedSenderCounts& counts) {
    resumed += counts.resumed;
    begun_anew += counts.begun_anew;
    overflows += counts.overflows;
    suppressed += counts.suppressed;
    refreshed += counts.refreshed;
    differing += counts.differing;
  }
};

void RunSeed(uint64_t seed, bool checks, Events& events) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed + 1'000'000);
  Federation federation(seed, checks);
  federation.Churn(random.Below(500));
  for (uint64_t troubles = random.Below(40); troubles > 0; --troubles) {
    for (uint64_t steps = random.Below(400); steps > 0; --steps) federation.StepAndChurn();
    events.Add(federation.Trouble());
  }
  federation.Quiet();
  EXPECT_EQ(federation.parent().Known(), federation.child().Projection());
  EXPECT_EQ(federation.parent().receiver().digests(), federation.child().sender().told());
  for (const auto& [copy, flags] : federation.child().Projection()) {
    EXPECT_TRUE(federation.parent().KnowsUriOf(copy.first));
  }
  events.Add(federation.child().sender().counts());
}

TEST(FeedTest, TheParentKnowsInTheEndWhatTheChildProjects) {
  Events events;
  for (uint64_t seed = 1; seed <= 120 && !testing::Test::HasFailure(); ++seed) {
    RunSeed(seed, false, events);
  }
  EXPECT_GT(events.resumed, 0U);
  EXPECT_GT(events.begun_anew, 0U);
  EXPECT_GT(events.overflows, 0U);
  EXPECT_GT(events.suppressed, 0U);
  EXPECT_GT(events.refreshed, 0U);
  EXPECT_GT(events.differing, 0U);
}

TEST(FeedTest, ChecksMendAnIndexWhoseBitsTurn) {
  Events events;
  for (uint64_t seed = 1; seed <= 6 && !testing::Test::HasFailure(); ++seed) {
    RunSeed(seed, true, events);
  }
  EXPECT_GT(events.differing, 0U);
}

}  // namespace
}  // namespace strata::manager::federation
