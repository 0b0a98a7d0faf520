#include "service_manager/federation/locate/answer_so_far.h"

#include <algorithm>
#include <iterator>

#include "service_manager/federation/mutants.h"

namespace strata::manager::federation {

void AnswerSoFar::AddCopies(std::span<const LocatedCopy> copies) {
  for (const LocatedCopy& copy : copies) {
    copies_.insert_or_assign(copy.holder, copy);
    if (copies_.size() <= kLocatedCopiesMax) continue;
    copies_.erase(std::prev(copies_.end()));
    cut_ = true;
  }
}

bool AnswerSoFar::CanServe() const {
  return std::any_of(copies_.begin(), copies_.end(), [](const auto& copy) {
    const bool stale = copy.second.stale && !STRATA_MUTANT(kStaleServes);
    return !copy.first.engine.empty() && !stale;
  });
}

void AnswerSoFar::AddAnswer(const LocateAnswer& answer, Timestamp sent, Timestamp now) {
  AddCopies(answer.copies);
  for (const LocateGap& gap : answer.gaps) AddGap(gap);
  // Counted from when it was asked: nobody knows when on the way it was found.
  EndBy(sent + answer.keep_for);
  for (LocateHop hop : answer.trace) {
    if (hop.depth >= kLocateHopsMax || hops_.size() + 1 >= kLocateTraceMax) continue;
    if (hop.depth++ == 0) hop.round_trip = std::min(now - sent, kLocateTimeMax);
    hops_.push_back(std::move(hop));
  }
}

LocateAnswer AnswerSoFar::Finish(const std::string& scope, bool trace, Timestamp asked,
                                 Timestamp now) const {
  LocateAnswer answer;
  answer.copies.reserve(copies_.size());
  for (const auto& [holder, copy] : copies_) answer.copies.push_back(copy);
  answer.gaps.assign(gaps_.begin(), gaps_.end());
  if (cut_ && answer.gaps.size() < kLocateGapsMax) answer.gaps.push_back({scope, GapReason::kCut});
  if (!answer.partial()) {
    answer.keep_for = std::clamp(until_ - now, Duration::zero(), kAnswerKeptMax);
  }
  if (!trace) return answer;
  answer.trace.push_back({.scope = scope,
                          .depth = 0,
                          .copies = static_cast<uint32_t>(answer.copies.size()),
                          .took = std::min(now - asked, kLocateTimeMax),
                          .round_trip = {}});
  answer.trace.insert(answer.trace.end(), hops_.begin(), hops_.end());
  return answer;
}

}  // namespace strata::manager::federation
