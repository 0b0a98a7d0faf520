#pragma once

#include <map>
#include <vector>

#include "multicast/core/group_state.h"

namespace strata::multicast {

// Who wants to join, and whether the group can reach it (spec, section 9). The SM probes; every
// other manager only remembers who asks, in case it must found the group anew. One per core.
class Admission {
 public:
  explicit Admission(GroupState& group) : group_(group) {}

  void OnJoin(const Join& join, const Endpoint& from, Timestamp now);
  void OnProbeReply(const ProbeReply& reply, bool by_multicast, Timestamp now);
  void OnTimer(Timestamp now);
  Timestamp deadline() const { return deadline_; }

  // Joiners that are ready to be in the next view.
  std::vector<MemberInfo> Admitted() const;
  // Everyone who said JOIN within the last second.
  std::vector<MemberInfo> Recent(Timestamp now) const;
  // One of the admitted can be reached by unicast only.
  bool NeedsFanOut() const;
  // A view was installed: forget who is in it.
  void OnViewInstalled();
  void Clear() { joiners_.clear(), deadline_ = Timestamp::Never(); }

 private:
  struct Joiner {
    MemberInfo info;
    Endpoint from;
    uint64_t nonce = 0;
    int tries = 0;
    int unicast_tries = 0;
    bool heard_small = false;  // Answered a small probe.
    bool admitted = false;
    bool unicast_only = false;
    Timestamp next_probe;
    Timestamp last_join;
  };
  void Probe(Joiner& joiner, Timestamp now);
  void Refuse(const Joiner& joiner, JoinRefusal reason);
  void GiveUp(Joiner& joiner);

  static constexpr size_t kMaxJoiners = 128;
  static constexpr Duration kForgetAfter = std::chrono::seconds(1);

  GroupState& group_;
  std::map<MemberId, Joiner> joiners_;
  Timestamp deadline_ = Timestamp::Never();
};

}  // namespace strata::multicast
