#pragma once

#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// Received delivery: true content, FIFO, once; without gaps at full members; and whatever was
// called received has been delivered by every full member that stayed.
class ReceivedChecker final : public Observer {
 public:
  ReceivedChecker(Stage& stage, const BranchBook& branches) : stage_(stage), branches_(branches) {}

  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnSent(const MemberProbe& member, const SentMessage& message) override;
  void OnSendDone(const MemberProbe& member, const SentMessage& message,
                  const std::vector<ReplySeen>& replies) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  struct Taken {
    MessageId id = 0;
    bool full = false;  // The receiver was, then.
  };
  // What one stint took of one stream.
  using Line = std::tuple<Stint, multicast::MemberId, multicast::StreamId>;

  std::set<Stint> FullMembers(const multicast::View& view) const;
  void JudgeGaps(const Line& line, const std::vector<Taken>& taken);

  Stage& stage_;
  const BranchBook& branches_;
  std::map<Line, std::vector<Taken>> lines_;
  std::map<Stint, std::set<MessageId>> delivered_;
  std::map<MessageId, std::set<Stint>> sent_to_;   // Full members at the time of the sending.
  std::map<MessageId, std::set<Stint>> promised_;  // Those of them that were it at the end, too.
};

}  // namespace strata::simulation
