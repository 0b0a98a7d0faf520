#pragma once

#include <span>
#include <vector>

#include "multicast/wire/types.h"

// The rules of views as pure functions (spec, section 8.4).
namespace strata::multicast {

using Quorum = std::vector<MemberId>;

// The members in rank order: `sm` first, the managers by (priority, id), the others by id.
void SortByRank(std::vector<MemberInfo>& members, MemberId sm);

// Sets the voter flags of a view's members, which are in rank order: all full managers, then full
// engines and switches until the number is odd and at least three; if it stays even, a witness;
// else both of two managers, or the only manager.
void ChooseVoters(std::vector<MemberInfo>& members);

Quorum VotersOf(const View& view);

// More than half of `quorum` is in `ids`.
bool HasMajority(const Quorum& quorum, std::span<const MemberId> ids);

// A promise or an acceptance.
struct Vote {
  MemberId id{};
  bool remembers = true;  // What it promised and accepted before; not if its disk was lost.
};
// Votes of more than half of `quorum`, and of at least half of it from who remembers: so any two
// such sets share a member that remembers both, as long as nobody else forgets in between.
bool Carries(const Quorum& quorum, std::span<const Vote> votes);
bool CarriesAll(std::span<const Quorum> quorums, std::span<const Vote> votes);

}  // namespace strata::multicast
