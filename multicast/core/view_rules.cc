#include "multicast/core/view_rules.h"

#include <algorithm>
#include <tuple>

namespace strata::multicast {
namespace {

size_t CountIn(const Quorum& quorum, std::span<const MemberId> ids) {
  return static_cast<size_t>(std::count_if(quorum.begin(), quorum.end(), [ids](MemberId voter) {
    return std::find(ids.begin(), ids.end(), voter) != ids.end();
  }));
}

}  // namespace

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
  return 2 * CountIn(quorum, ids) > quorum.size();
}

bool Carries(const Quorum& quorum, std::span<const Vote> votes) {
  std::vector<MemberId> all;
  std::vector<MemberId> remembering;
  for (const Vote& vote : votes) {
    all.push_back(vote.id);
    if (vote.remembers) remembering.push_back(vote.id);
  }
  return HasMajority(quorum, all) && 2 * CountIn(quorum, remembering) >= quorum.size();
}

bool CarriesAll(std::span<const Quorum> quorums, std::span<const Vote> votes) {
  return std::all_of(quorums.begin(), quorums.end(),
                     [votes](const Quorum& quorum) { return Carries(quorum, votes); });
}

}  // namespace strata::multicast
