#include <vector>

#include "common/check.h"
#include "service_manager/federation/feed/feed_records.h"

// Whatever is opened must be written again as the bytes it came from.

namespace strata::manager::federation {
namespace {

struct Rewriter {
  ByteWriter& writer;

  void operator()(const Introduction& introduction) { Encode(introduction, writer); }
  void operator()(const FeedChange& change) {
    const size_t before = writer.size();
    Encode(change, writer);
    STRATA_CHECK(writer.size() - before == EncodedBytes(change));
  }
  void operator()(const FeedInterval& interval) {
    std::vector<FeedItem> items;
    FeedItems left = interval.items;
    size_t bytes_max = kFeedIntervalHeadBytes;
    while (const std::optional<FeedItem> item = left.Next()) {
      STRATA_CHECK(interval.first <= item->key && item->key <= interval.last);
      items.push_back(*item);
      bytes_max += EncodedBytesMax(*item);
    }
    const size_t before = writer.size();
    EncodeInterval(interval.first, interval.last, items, writer);
    STRATA_CHECK(writer.size() - before <= bytes_max);
  }
  void operator()(const FeedDigests& digests) {
    std::vector<uint64_t> values;
    for (size_t i = 0; i < digests.count(); ++i) values.push_back(digests.digest(i));
    EncodeDigests(digests.first, values, writer);
  }
};

}  // namespace
}  // namespace strata::manager::federation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::manager::federation;  // NOLINT
  strata::StatusOr<FeedBatch> batch = FeedBatch::Open({data, size});
  if (!batch.ok()) return 0;
  strata::Bytes again(size);
  strata::ByteWriter writer(again);
  Encode(batch->head(), writer);
  while (const std::optional<FeedRecord> record = batch->Next()) {
    std::visit(Rewriter{writer}, *record);
  }
  STRATA_CHECK(writer.ok() && writer.size() == size);
  STRATA_CHECK(strata::AsText(again) == strata::AsText({data, size}));
  return 0;
}
