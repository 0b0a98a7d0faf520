#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "multicast/tools/probe_session.h"

namespace strata::multicast {

struct ProbeVerdictInput {
  const std::map<MemberId, ProbedMember>& members;
  // Reason (as in OpenError) -> packets that were not accepted.
  const std::map<std::string_view, uint64_t>& rejected;
  double loss_percent_max = 1;  // More is a finding.
  size_t mtu = 1500;            // Of this machine's interface.
  size_t members_expected = 0;  // 0: unknown.
};

// What is wrong, a sentence each, and where to look; empty if all is well.
std::vector<std::string> FindFaults(const ProbeVerdictInput& input);

// How multicast reaches a member.
enum class Reach : uint8_t { kBothWays, kToIt, kFromIt, kNot };
Reach MulticastReach(const ProbedMember& member);
bool UnicastReach(const ProbedMember& member);
// Of the paths that work at all, full-size datagrams work too.
bool FullSizeWorks(const ProbedMember& member);

}  // namespace strata::multicast
