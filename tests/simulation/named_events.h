#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "tests/simulation/observer.h"

namespace strata::simulation {

// What a campaign must have seen often enough to prove anything.
enum class Event : uint8_t {
  kTakeOverAfterPartialCommit,
  kAbortRacesCommit,
  kCascadingViews,
  kZombieSm,
  kRestartInFlight,
  kLostLastPacket,
  kAckBeforeData,
  kLearnerOverrun,
  kTwoJoinAtOnce,
  kDivergence,
  kCrashBeforeReady,
  kTakeOverWhileReady,
  kOnlyLightSurvive,
};
inline constexpr size_t kEvents = 13;
using EventCounts = std::array<uint64_t, kEvents>;
std::string_view ToString(Event event);

// Counts the named events by what members do and receive; never asks who injected what.
class NamedEvents final : public Observer {
 public:
  // `full_when_ready`: as the members' settings.
  explicit NamedEvents(Stage& stage, bool full_when_ready = false)
      : stage_(stage), full_when_ready_(full_when_ready) {}

  void OnTransmit(const MemberProbe& from, const Packet& packet, Sent to) override;
  void OnHanded(const MemberProbe& to, const Packet& packet) override;
  void OnViewChanged(const MemberProbe& member, const multicast::View& view,
                     multicast::MemberStatus status) override;
  void OnLeft(const MemberProbe& member, bool overrun) override;
  void OnDiverged(const MemberProbe& member, uint64_t first, uint64_t last) override;
  void OnSendDone(const MemberProbe& member, const SentMessage& message,
                  const std::vector<ReplySeen>& replies) override;
  void OnCrashed(const MemberProbe& member, size_t open_sends) override;
  void OnStarted(const MemberProbe& member, bool with_disk) override;
  void OnFounded(const MemberProbe& member, uint32_t lineage, uint32_t parent,
                 uint64_t base) override;
  void OnSnapshotInstalled(const MemberProbe& member, uint64_t commit) override;
  void OnReady(const MemberProbe& member) override;

  const EventCounts& counts() const { return counts_; }

 private:
  // A stream of one incarnation, and one as a certain member sees it.
  using Stream = std::tuple<multicast::MemberId, multicast::Incarnation, multicast::StreamId>;
  using StreamAt = std::pair<multicast::MemberId, Stream>;
  struct Heard {
    multicast::Seq data = 0;
    multicast::Seq acked_before = 0;  // An ACK came first; the DATA is still to come.
  };

  void Count(Event event) { ++counts_[static_cast<size_t>(event)]; }
  void SeeProposal(const MemberProbe& from, const multicast::ViewProposal& proposal);
  void SeePropose(const MemberProbe& from, const multicast::Propose& propose);
  void SeeResend(const MemberProbe& from, const multicast::Resend& resend);
  void SeeZombie(const MemberProbe& from, const Packet& packet);
  void SeeLeaderOfReady(const MemberProbe& member, const multicast::View& view,
                        multicast::MemberStatus status);
  static Stream StreamOf(const MemberProbe& member, multicast::Slot slot,
                         multicast::StreamId stream);

  Stage& stage_;
  const bool full_when_ready_;
  std::set<multicast::MemberId> taking_in_;                         // A snapshot, and not ready.
  std::map<multicast::MemberId, multicast::MemberId> ready_under_;  // Which SM, as learners.
  EventCounts counts_{};
  std::set<multicast::Epoch> proposals_;
  std::set<multicast::Epoch> ballots_;
  std::set<multicast::Epoch> views_;
  std::set<std::pair<multicast::MemberId, multicast::Epoch>> zombies_;
  std::set<multicast::MemberId> died_in_flight_;
  std::map<Stream, multicast::Seq> last_sent_;
  std::set<std::pair<Stream, multicast::Seq>> lost_last_;
  std::map<StreamAt, Heard> heard_;
};

}  // namespace strata::simulation
