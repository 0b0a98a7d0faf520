#pragma once

#include <cstdint>
#include <vector>

// What the two ends of a feed tell each other beside its batches.
// docs/protocols/federation.md, 3.3.
namespace strata::manager::federation {

// A place in a feed: behind the record of that number. Numbers begin with 1; epoch 0 is nobody's,
// so {0, 0} is the position of a parent that has nothing of this child.
struct FeedPosition {
  uint64_t epoch = 0;
  uint64_t sequence = 0;

  friend auto operator<=>(const FeedPosition&, const FeedPosition&) = default;
};

// The child, when it opens a stream: what it still has is [lowest, next).
struct FeedGreeting {
  uint64_t epoch = 0;
  uint64_t lowest = 0;
  uint64_t next = 0;

  // Whether it can go on behind `position`.
  bool Follows(const FeedPosition& position) const {
    return position.epoch == epoch && lowest <= position.sequence + 1 && position.sequence < next;
  }

  friend bool operator==(const FeedGreeting&, const FeedGreeting&) = default;
};

// How much the child may send: records with a number, and bytes of whole batches.
struct FeedCredit {
  uint64_t records = 0;
  uint64_t bytes = 0;

  friend bool operator==(const FeedCredit&, const FeedCredit&) = default;
};

// The parent's answer to a greeting: where it is (applied, durable or not), and the first credit.
struct FeedWelcome {
  FeedPosition position;
  FeedCredit credit;

  friend bool operator==(const FeedWelcome&, const FeedWelcome&) = default;
};

// The parent, later: all up to `sequence` is durable there, and so much more may be sent.
struct FeedAcknowledgement {
  uint64_t sequence = 0;
  FeedCredit credit;

  friend bool operator==(const FeedAcknowledgement&, const FeedAcknowledgement&) = default;
};

// The parent's answer to the digests record of that number: the ranges that differ, ascending,
// perhaps none. Goes out before any acknowledgement of that number.
struct FeedComparison {
  uint64_t sequence = 0;
  std::vector<uint32_t> differing;

  friend bool operator==(const FeedComparison&, const FeedComparison&) = default;
};

}  // namespace strata::manager::federation
