#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simulation/branch_book.h"
#include "tests/simulation/observer.h"

namespace strata::simulation {

// Committed deliveries: true content, once, FIFO for each stream, numbers that never fall, the
// order of the specification inside one commit; and in the end everything that anybody delivered is
// in the final state, at the same place, except what section 1 of the specification does not
// promise.
class OrderChecker final : public Observer {
 public:
  OrderChecker(Stage& stage, const BranchBook& branches) : stage_(stage), branches_(branches) {}

  void OnDeliver(const MemberProbe& member, const Delivery& delivery) override;
  void OnStarted(const MemberProbe& member, bool with_disk) override;
  void OnSnapshotInstalled(const MemberProbe& member, uint64_t commit) override;
  void OnEnd(const MemberProbe& last) override;

 private:
  using StreamOf = std::pair<multicast::MemberId, multicast::StreamId>;
  struct Member {
    std::map<StreamOf, MessageId> last;
    uint64_t number = 0;  // Of the delivery before, and its place in the commit.
    std::tuple<multicast::Slot, multicast::StreamId, multicast::Seq> place;
  };
  struct Delivered {
    Stint stint;
    multicast::Epoch epoch;  // Of the view in which it was delivered.
    uint32_t lineage = 0;
    size_t index = 0;  // Among the entries of the same commit.
    Entry entry;
  };
  using Final = std::map<uint64_t, std::vector<Entry>>;

  void JudgeContent(const MemberProbe& member, const Delivery& delivery);
  void JudgePlace(const MemberProbe& member, const Delivery& delivery);
  void Reload(const MemberProbe& member);
  void JudgeMissing(const Delivered& delivered, const ReplicatedState& last,
                    const std::map<MessageId, uint64_t>& numbers);

  Stage& stage_;
  const BranchBook& branches_;
  std::map<multicast::MemberId, Member> members_;
  std::vector<Delivered> history_;
};

}  // namespace strata::simulation
