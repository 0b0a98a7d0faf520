#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// Every send ends truly: Committed is in the final state, under that number; Aborted was delivered
// by nobody; Unknown is said only by who lost its view; replies are what was replied. (That it ends
// once is checked by Application, that it ends at all by the liveness phase.)
class SendChecker final : public Observer {
 public:
  SendChecker(Stage& stage, const BranchBook& branches) : stage_(stage), branches_(branches) {}

  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnSendDone(const MemberProbe& member, const SentMessage& message,
                  const std::vector<ReplySeen>& replies) override;
  void OnReplied(const MemberProbe& member, MessageId id, uint64_t hash) override;
  void OnLeft(const MemberProbe& member, bool overrun) override;
  void OnTurnEnd(const MemberProbe& member) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  struct Ended {
    Stint stint;
    multicast::Epoch epoch;
    uint32_t lineage = 0;
  };
  void JudgeCommitted(const SentMessage& message, const ReplicatedState& last,
                      const std::map<MessageId, uint64_t>& numbers);

  Stage& stage_;
  const BranchBook& branches_;
  std::map<MessageId, Stint> delivered_;  // By whom first.
  std::map<MessageId, Stint> aborted_;    // To whom it was said.
  std::map<MessageId, Ended> committed_;
  std::map<std::pair<MessageId, multicast::MemberId>, uint64_t> replies_;
  std::set<multicast::MemberId> left_;     // In the current turn, or before and still out.
  std::set<multicast::MemberId> unknown_;  // In the current turn.
};

}  // namespace strata::simulation
