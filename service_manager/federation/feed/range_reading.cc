#include "service_manager/federation/feed/range_reading.h"

#include <algorithm>
#include <tuple>

#include "common/check.h"
#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::federation {
namespace {

// A copy that was read, or a change of one.
struct Said {
  FeedChange change;
  HolderIdentity identity;

  auto Place() const { return std::tie(change.key, identity); }
};

// Of several words about one copy the last one counts. What is gone leaves its URI to others.
std::vector<FeedItem> LastWords(std::vector<Said> said) {
  std::stable_sort(said.begin(), said.end(),
                   [](const Said& a, const Said& b) { return a.Place() < b.Place(); });
  std::vector<FeedItem> items;
  std::string_view uri;  // Of the content at hand, if anybody told it.
  size_t first = 0;      // Its first item.
  const auto finish = [&] {
    if (first < items.size()) items[first].uri = uri;
    first = items.size();
    uri = {};
  };
  for (size_t i = 0; i < said.size(); ++i) {
    const FeedChange& change = said[i].change;
    if (i > 0 && said[i - 1].change.key != change.key) finish();
    if (!change.uri.empty()) uri = change.uri;
    const bool overruled = i + 1 < said.size() && said[i + 1].Place() == said[i].Place();
    if (overruled || !change.copy) continue;
    items.push_back({.key = change.key, .holder = change.holder, .copy = *change.copy});
  }
  finish();
  return items;
}

}  // namespace

RangeReading::RangeReading(uint32_t range, Purpose purpose)
    : range_(range), purpose_(purpose), next_(FirstKeyOf(range)) {}

FeedRead RangeReading::Ask(uint64_t number, size_t items) {
  if (!asked_) {
    asked_ = {.number = number, .first = next_, .last = LastKeyOf(range_), .items = items};
  }
  return *asked_;
}

void RangeReading::Note(const FeedChange& change) {
  if (!asked_ || ++noted_ > kNotedChangesMax) return;
  const size_t before = notes_.size();
  notes_.resize(before + EncodedBytes(change));
  ByteWriter writer{std::span(notes_).subspan(before)};
  Encode(change, writer);
}

std::vector<FeedChange> RangeReading::Notes() const {
  std::vector<FeedChange> changes;
  ByteReader reader(notes_);
  while (reader.remaining() > 0) changes.push_back(std::get<FeedChange>(DecodeRecord(reader)));
  return changes;
}

std::optional<RangeReading::Step> RangeReading::Take(const FeedRead& read,
                                                     const FeedReadItems& found,
                                                     IdentityOf identity_of) {
  if (read != asked_) return std::nullopt;
  if (noted_ > kNotedChangesMax) {
    AskAgain();
    return std::nullopt;
  }
  STRATA_CHECK(read.first <= found.last && found.last <= read.last);
  std::vector<Said> said;
  said.reserve(found.items.size());
  for (const FeedItem& item : found.items) {
    STRATA_CHECK(read.first <= item.key && item.key <= found.last);
    said.push_back({{.key = item.key, .holder = item.holder, .copy = item.copy, .uri = item.uri},
                    identity_of(item.holder)});
  }
  for (const FeedChange& change : Notes()) {
    // What lies behind the step is seen by the next one.
    if (change.key <= found.last) said.push_back({change, identity_of(change.holder)});
  }
  return Step{.first = read.first, .last = found.last, .items = LastWords(std::move(said))};
}

void RangeReading::AskAgain() {
  asked_.reset();
  notes_.clear();
  noted_ = 0;
}

bool RangeReading::Advance(const Step& step) {
  AskAgain();
  next_ = KeyAfter(step.last);
  return step.last == LastKeyOf(range_);
}

}  // namespace strata::manager::federation
