// What a change costs on its way from one manager to the next, without link and store.

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/random.h"
#include "farm/content_identity.h"
#include "service_manager/federation/feed/feed_receiver.h"
#include "service_manager/federation/feed/feed_sender.h"

namespace strata::manager::federation {
namespace {

using directory::Holder;

constexpr size_t kContents = 200'000;
constexpr size_t kAtOnce = 1000;
constexpr uint32_t kEngines = 100;

struct Content {
  std::string uri;
  farm::ContentKey key;
};
std::vector<Content> Contents() {
  std::vector<Content> contents;
  for (size_t i = 0; i < kContents; ++i) {
    std::string uri = "http://films.example/" + std::string(73, 'x') + std::to_string(i);
    const farm::ContentKey key = farm::KeyOf(uri);
    contents.push_back({.uri = std::move(uri), .key = key});
  }
  return contents;
}

// Both ends, connected.
class Feed {
 public:
  Feed()
      : index_(random_),
        reader_(*directory::LocationReader::Register(index_)),
        sender_({.epoch = 1}, {}),
        receiver_({.child = "cdn-one"}, index_, reader_, {}) {
    for (uint32_t i = 0; i < kEngines; ++i) {
      const HolderName name{"cdn-one/lan-a", "engine-" + std::to_string(i)};
      STRATA_CHECK(sender_.SetHolder({.holder = Holder(i), .name = name}).ok());
    }
    const StatusOr<FeedWelcome> welcome = receiver_.Connected(sender_.greeting());
    STRATA_CHECK(welcome.ok() && sender_.Connected(*welcome, now_).ok());
  }

  void Tell(const FeedChange& change) { sender_.Tell(change, std::nullopt, now_); }
  void Pack(Bytes& batch) {
    now_ += std::chrono::seconds(1);
    STRATA_CHECK(sender_.NextBatch(now_, batch));
  }
  void Take(const Bytes& batch) {
    const auto received = receiver_.Take(
        batch,
        [](const Introduction& introduction) -> StatusOr<Holder> { return introduction.holder; },
        [this](const ToldCopy& told) {
          index_.Add(told.key, {.holder = told.holder, .flags = told.copy->flags});
          return true;
        });
    STRATA_CHECK(received.ok());
    for (const FeedComparison& comparison : received->comparisons) {
      STRATA_CHECK(sender_.OnComparison(comparison).ok());
    }
    const auto acknowledgement = receiver_.OnDurable(received->position);
    STRATA_CHECK(acknowledgement && sender_.OnAcknowledgement(*acknowledgement).ok());
  }

 private:
  SeededRandom random_{1};
  directory::LocationIndex index_;
  directory::LocationReader reader_;
  Timestamp now_;
  FeedSender sender_;
  FeedReceiver receiver_;
};

// New contents, one after the other; `part` 0: told and packed, 1: taken at the parent.
void BM_Changes(benchmark::State& state) {
  const std::vector<Content> contents = Contents();
  Feed feed;
  Bytes batch;
  feed.Pack(batch);
  feed.Take(batch);
  const bool taken = state.range(0) == 1;
  size_t next = 0;
  for (auto _ : state) {
    if (taken) state.PauseTiming();
    for (size_t i = 0; i < kAtOnce; ++i, next = (next + 1) % kContents) {
      const Content& content = contents[next];
      feed.Tell({.key = content.key,
                 .holder = Holder(static_cast<uint32_t>(next % kEngines)),
                 .copy = FeedCopy{.flags = directory::kComplete,
                                  .size_bytes = 1000,
                                  .remaining = std::chrono::minutes(5),
                                  .validator = "\"an-etag\""},
                 .uri = content.uri});
    }
    batch.clear();
    feed.Pack(batch);
    if (taken) state.ResumeTiming();
    if (!taken) state.PauseTiming();
    feed.Take(batch);
    if (!taken) state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kAtOnce));
}
BENCHMARK(BM_Changes)->ArgName("taken")->Arg(0)->Arg(1);

}  // namespace
}  // namespace strata::manager::federation
