#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/time.h"
#include "service_manager/federation/locate/locate_messages.h"

namespace strata::manager::federation {

// What is known of the answer to one question while it comes together, in whatever order: the same
// parts make the same answer. Keeps the bounds of locate_messages.h. Pure; one thread.
class AnswerSoFar {
 public:
  // A copy of the same holder replaces the one before: who is nearer to it knows better.
  void AddCopies(std::span<const LocatedCopy> copies);
  void AddGap(LocateGap gap) {
    if (gaps_.size() < kLocateGapsMax) gaps_.insert(std::move(gap));
  }
  // What a neighbour says who was asked at `sent`.
  void AddAnswer(const LocateAnswer& answer, Timestamp sent, Timestamp now);
  // The answer is not right for longer than that.
  void EndBy(Timestamp until) { until_ = std::min(until_, until); }

  // An engine that is heard of is among the copies.
  bool CanServe() const;
  bool empty() const { return copies_.empty(); }

  // The answer of the manager of `scope` to a question that came at `asked`.
  LocateAnswer Finish(const std::string& scope, bool trace, Timestamp asked, Timestamp now) const;

 private:
  std::map<HolderName, LocatedCopy> copies_;
  bool cut_ = false;  // There were more.
  std::set<LocateGap> gaps_;
  std::vector<LocateHop> hops_;
  Timestamp until_ = Timestamp::Never();
};

}  // namespace strata::manager::federation
