#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "multicast/wire/packets.h"

namespace strata::multicast {

// How a probe goes, and how its answer shall come back.
enum class ProbePath : uint8_t {
  kMulticast,       // Both by multicast.
  kUnicast,         // Both by unicast.
  kThere,           // Multicast there, unicast back.
  kBack,            // Unicast there, multicast back.
  kLargeMulticast,  // As the first two, in datagrams as long as the MTU allows.
  kLargeUnicast,
};
inline constexpr size_t kProbePaths = 6;

struct PathTally {
  uint32_t sent = 0;
  uint32_t answered = 0;
  std::vector<Duration> round_trips;

  double loss_percent() const {
    return sent == 0 ? 0 : 100.0 * (sent - answered) / static_cast<double>(sent);
  }
};

// What is known of one member.
struct ProbedMember {
  MemberInfo info;  // As it says itself; id and address alone until it answered.
  bool answered = false;
  bool heard = false;      // Anything of it came by multicast.
  bool duplicate = false;  // Two processes answered under this id.
  bool fanned_out = false;
  uint32_t view_number = 0;
  Epoch epoch;
  Timestamp told_at;  // When the two were told last.
  std::array<PathTally, kProbePaths> paths;

  const PathTally& path(ProbePath path) const { return paths[static_cast<size_t>(path)]; }
  PathTally& path(ProbePath path) { return paths[static_cast<size_t>(path)]; }
  bool is_sm() const { return view_number != 0 && epoch.proposer == info.id; }
};

// Asks all members of a group, in rounds, and keeps count of who answered what. A state machine
// without I/O; one thread.
class ProbeSession {
 public:
  static constexpr size_t kMaxMembers = 256;
  static constexpr int kLargeEvery = 4;  // Rounds from one with large probes to the next.

  // `body_bytes`: the longest body that a datagram of full size has.
  ProbeSession(size_t body_bytes, RandomSource& random)
      : body_bytes_(body_bytes), random_(random) {}

  // A member that is to be asked even if it is not heard.
  void AddSeed(const Endpoint& seed) { seeds_.push_back(seed); }

  struct Outgoing {
    bool multicast = false;
    Endpoint to;  // If not.
    Probe probe;
  };
  // The probes of the next round.
  std::vector<Outgoing> StartRound();
  // One of them leaves.
  void OnSent(const Probe& probe, Timestamp now);

  // Whatever came from the group and was authenticated.
  void OnPacket(const Header& header, ByteSpan body, const Endpoint& from, bool by_multicast,
                Timestamp now);

  const std::map<MemberId, ProbedMember>& members() const { return members_; }

 private:
  struct Asked {
    ProbePath path = ProbePath::kMulticast;
    Timestamp sent;
    std::map<MemberId, Incarnation> answered;  // By whom.
  };

  Outgoing Ask(ProbePath path, const Endpoint& to);
  void OnReply(const Header& header, const ProbeReply& reply, Timestamp now);
  ProbedMember* MemberOf(const Header& header, const Endpoint& from);

  const size_t body_bytes_;
  RandomSource& random_;
  std::vector<Endpoint> seeds_;
  int round_ = 0;
  std::map<MemberId, ProbedMember> members_;
  std::map<uint64_t, Asked> asked_;                       // By nonce.
  std::array<uint32_t, kProbePaths> sent_to_everyone_{};  // By multicast: every member was asked.
};

}  // namespace strata::multicast
