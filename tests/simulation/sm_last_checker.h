#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// The SM acknowledges last: before it tells a commit position it has received, in the same epoch,
// the ACK of every other full member of its view up to there, and before it closes an abort the
// ABORT_ACK of every one of them. Judged by the packets that the SM was handed; the owner of a
// stream says by its DATA what it has. Also: the log has no gaps, it commits only at ends
// of messages, and nobody but the SM of a view sends COMMIT in it.
class SmLastChecker final : public Observer {
 public:
  explicit SmLastChecker(Stage& stage) : stage_(stage) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnHanded(const MemberProbe& to, const Packet& packet) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;

 private:
  using StreamKey = std::pair<multicast::Slot, multicast::StreamId>;
  // A stream of an incarnation.
  using Owner = std::tuple<multicast::MemberId, multicast::Incarnation, multicast::StreamId>;
  struct FromMember {
    std::map<StreamKey, multicast::Seq> acked;
  };
  // (receiver, epoch, sender with incarnation)
  using AckKey = std::tuple<multicast::MemberId, multicast::Epoch, multicast::MemberId,
                            multicast::Incarnation>;
  // (receiver, sender with incarnation)
  using AbortKey = std::tuple<multicast::MemberId, multicast::MemberId, multicast::Incarnation>;

  // COMMITs are judged by the ACKs that the SM of their epoch was handed, by no one else's.
  bool MayCommit(const MemberProbe& member, const multicast::Epoch& epoch) const;
  void NoteData(const Packet& packet, const DataNote& data);
  void NoteViewsAborts(const MemberProbe& from, const multicast::ViewProposal& proposal);
  void NoteAbortAck(const MemberProbe& to, const Packet& packet);
  void NoteOwnersData(const MemberProbe& to, const Packet& packet, const DataNote& data);
  void JudgeCommit(const MemberProbe& sm, const Packet& packet, const multicast::Commit& commit);
  void JudgeAdvance(const MemberProbe& sm, const multicast::View& view, uint64_t number,
                    const multicast::Position& position);
  void JudgeAborted(const MemberProbe& sm, const multicast::View& view, uint64_t number,
                    const multicast::Range& range);

  Stage& stage_;
  std::map<multicast::Epoch, multicast::View> views_;
  std::map<AckKey, FromMember> acks_;
  std::map<AbortKey, std::set<std::pair<Owner, multicast::Seq>>> abort_acks_;
  std::set<std::pair<Owner, multicast::Seq>> closed_;  // Aborts; may be told again to newcomers.
  std::map<Owner, std::set<multicast::Seq>> middles_;  // Records sent that end no message.
  std::map<multicast::Epoch, uint64_t> last_number_;   // Of the log, sent in that epoch.
};

}  // namespace strata::simulation
