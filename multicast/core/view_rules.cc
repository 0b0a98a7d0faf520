#include "multicast/core/view_rules.h"

#include <algorithm>
#include <tuple>

namespace strata::multicast {

void SortByRank(std::vector<MemberInfo>& members, MemberId sm) {
  std::sort(members.begin(), members.end(), [sm](const MemberInfo& a, const MemberInfo& b) {
    const auto key = [sm](const MemberInfo& m) {
      const bool manager = m.role == Role::kManager;
      return std::tuple(m.id != sm, !manager, manager ? m.priority : uint8_t{0}, m.id);
    };
    return key(a) < key(b);
  });
}

void ChooseVoters(std::vector<MemberInfo>& members) {
  size_t voters = 0;
  size_t managers = 0;
  for (MemberInfo& member : members) {
    member.voter = member.role == Role::kManager && member.status == MemberStatus::kFull;
    if (member.voter) ++managers;
  }
  voters = managers;
  for (MemberInfo& member : members) {
    if (voters >= 3 && voters % 2 == 1) return;
    const bool eligible = member.status == MemberStatus::kFull &&
                          (member.role == Role::kEngine || member.role == Role::kSwitch);
    if (!eligible) continue;
    member.voter = true;
    ++voters;
  }
  if (voters % 2 == 1) return;
  for (MemberInfo& member : members) {
    if (member.role != Role::kWitness) continue;
    member.voter = true;
    return;
  }
  // Even, and no witness. The last other voter makes it odd again by not voting.
  if (voters > managers) {
    auto last = std::find_if(members.rbegin(), members.rend(), [](const MemberInfo& m) {
      return m.voter && m.role != Role::kManager;
    });
    last->voter = false;
  }
}

Quorum VotersOf(const View& view) {
  Quorum voters;
  for (const MemberInfo& member : view.members) {
    if (member.voter) voters.push_back(member.id);
  }
  return voters;
}

bool HasMajority(const Quorum& quorum, std::span<const MemberId> ids) {
  const auto there = std::count_if(quorum.begin(), quorum.end(), [ids](MemberId voter) {
    return std::find(ids.begin(), ids.end(), voter) != ids.end();
  });
  return 2 * static_cast<size_t>(there) > quorum.size();
}

bool HasMajorityOfAll(std::span<const Quorum> quorums, std::span<const MemberId> ids) {
  return std::all_of(quorums.begin(), quorums.end(),
                     [ids](const Quorum& quorum) { return HasMajority(quorum, ids); });
}

}  // namespace strata::multicast
