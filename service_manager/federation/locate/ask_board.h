#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/strong_id.h"
#include "common/time.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/federation/locate/neighbours.h"
#include "service_manager/federation/locate/open_table.h"

namespace strata::manager::federation {

// One question that came to this manager; whoever brings it chooses the number.
using QuestionId = StrongId<struct QuestionTag, uint64_t>;
// One that this manager has asked a neighbour; 0 is none.
using AskNumber = StrongId<struct AskTag, uint64_t>;

// What was asked of neighbours and is not answered yet, and which questions wait for it: equal ones
// wait for the same. Every ask ends: by an answer, with its link, or at its deadline. Until then it
// counts, also if nobody waits for it any more. Pure; one thread.
class AskBoard {
 public:
  struct Ask {
    AskNumber number{};
    uint64_t purged = 0;
    uint32_t hops_left = 0;
    Timestamp sent;
    bool shared = true;     // Others may join it.
    bool outdated = false;  // The content was purged since: what comes says nothing.
    std::vector<QuestionId> waiters;
  };
  using Row = OpenTable<AskNumber, Ask>::Row;

  explicit AskBoard(size_t asks_per_neighbour_max) : per_neighbour_max_(asks_per_neighbour_max) {}

  // An ask of that neighbour which will serve the question as well as one of its own: it may go as
  // far, knows of the same purge, and ends no earlier than `ends_min`. 0: there is none.
  AskNumber Join(NeighbourId to, const LocateQuestion& question, Timestamp ends_min, QuestionId id);
  // A new one; 0: that neighbour has too many.
  AskNumber Open(NeighbourId to, const LocateQuestion& question, Timestamp now, Timestamp deadline,
                 QuestionId id);
  void Leave(AskNumber number, QuestionId id);
  // What is open of a content is outdated, and nobody waits for it.
  void Outdate(const farm::ContentKey& key);
  void OutdateAll();

  // Takes it out. Nothing if it is not open, or was asked of another.
  std::optional<Row> Take(NeighbourId from, AskNumber number);
  // Takes out all that were asked of one.
  std::vector<Row> TakeAll(NeighbourId from);
  // Takes out one whose deadline has come.
  std::optional<Row> TakeDue(Timestamp now);

  Timestamp NextDeadline() const { return asks_.NextDeadline(); }
  size_t size() const { return asks_.size(); }

 private:
  void Outdate(const std::vector<AskNumber>& numbers);

  const size_t per_neighbour_max_;
  uint64_t last_ = 0;
  OpenTable<AskNumber, Ask> asks_;
};

}  // namespace strata::manager::federation
