#include "multicast/core/view_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/random.h"
#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::MakeMember;
using testing::MakeView;

std::vector<uint32_t> Ids(const std::vector<MemberInfo>& members) {
  std::vector<uint32_t> ids;
  for (const MemberInfo& member : members) ids.push_back(member.id.value());
  return ids;
}

std::vector<uint32_t> VoterIds(std::vector<MemberInfo> members) {
  SortByRank(members, members.front().id);
  ChooseVoters(members);
  std::vector<uint32_t> ids;
  for (MemberId id : VotersOf(MakeView(1, members))) ids.push_back(id.value());
  return ids;
}

MemberInfo Manager(uint32_t id, MemberStatus status = MemberStatus::kFull) {
  return MakeMember(id, Role::kManager, status);
}
MemberInfo Engine(uint32_t id, MemberStatus status = MemberStatus::kFull) {
  return MakeMember(id, Role::kEngine, status);
}
MemberInfo Witness(uint32_t id) { return MakeMember(id, Role::kWitness, MemberStatus::kWitness); }

// ---- Ranks.

TEST(ViewRulesTest, RanksTheSmFirstThenManagersByPriorityThenTheOthersById) {
  MemberInfo late = Manager(1);
  late.priority = 9;
  MemberInfo early = Manager(7);
  early.priority = 2;
  std::vector<MemberInfo> members = {Engine(5), late, Engine(3), early, Manager(8)};
  SortByRank(members, MemberId(8));
  EXPECT_EQ(Ids(members), (std::vector<uint32_t>{8, 7, 1, 3, 5}));
}

TEST(ViewRulesTest, RanksManagersOfEqualPriorityById) {
  std::vector<MemberInfo> members = {Manager(9), Manager(4), Manager(6)};
  for (MemberInfo& member : members) member.priority = 1;
  SortByRank(members, MemberId(6));
  EXPECT_EQ(Ids(members), (std::vector<uint32_t>{6, 4, 9}));
}

TEST(ViewRulesTest, APriorityOfOthersMeansNothing) {
  MemberInfo engine = Engine(5);
  engine.priority = 0;
  MemberInfo other = Engine(3);
  other.priority = 200;
  std::vector<MemberInfo> members = {engine, other};
  SortByRank(members, MemberId(1));
  EXPECT_EQ(Ids(members), (std::vector<uint32_t>{3, 5}));
}

// The twin: takes the next in rank out of those that are left, by the words of the specification.
std::vector<MemberInfo> RankOneByOne(std::vector<MemberInfo> left, MemberId sm) {
  std::vector<MemberInfo> ranked;
  const auto before = [sm](const MemberInfo& a, const MemberInfo& b) {
    if (a.id == sm || b.id == sm) return a.id == sm;
    const bool a_manages = a.role == Role::kManager;
    const bool b_manages = b.role == Role::kManager;
    if (a_manages != b_manages) return a_manages;
    if (a_manages && a.priority != b.priority) return a.priority < b.priority;
    return a.id < b.id;
  };
  while (!left.empty()) {
    size_t best = 0;
    for (size_t i = 1; i < left.size(); ++i) {
      if (before(left[i], left[best])) best = i;
    }
    ranked.push_back(left[best]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return ranked;
}

std::vector<MemberInfo> RandomMembers(SeededRandom& random) {
  std::vector<MemberInfo> members;
  const uint64_t count = 1 + random.Below(20);
  for (uint32_t id = 1; id <= count; ++id) {
    const Role role =
        std::array{Role::kManager, Role::kEngine, Role::kSwitch, Role::kWitness}[random.Below(4)];
    MemberStatus status = random.Chance(0.8) ? MemberStatus::kFull : MemberStatus::kLearner;
    if (role == Role::kWitness) status = MemberStatus::kWitness;
    members.push_back(MakeMember(id, role, status));
    members.back().priority = static_cast<uint8_t>(random.Below(4));
  }
  return members;
}

TEST(ViewRulesTest, RanksLikeOneWhoPicksTheNextBestEachTime) {
  SeededRandom random(5);
  for (int round = 0; round < 500; ++round) {
    std::vector<MemberInfo> members = RandomMembers(random);
    const MemberId sm = members[random.Below(members.size())].id;
    const std::vector<MemberInfo> expected = RankOneByOne(members, sm);
    for (size_t i = members.size(); i-- > 1;) std::swap(members[i], members[random.Below(i + 1)]);
    SortByRank(members, sm);
    ASSERT_EQ(members, expected) << "round " << round;
  }
}

// ---- Voters.

TEST(ViewRulesTest, AManagerAloneVotesAlone) {
  EXPECT_EQ(VoterIds({Manager(1)}), (std::vector<uint32_t>{1}));
}

TEST(ViewRulesTest, OfAManagerAndAnEngineTheManagerVotes) {
  EXPECT_EQ(VoterIds({Manager(1), Engine(2)}), (std::vector<uint32_t>{1}));
}

TEST(ViewRulesTest, OfTwoManagersBothVote) {
  EXPECT_EQ(VoterIds({Manager(1), Manager(2)}), (std::vector<uint32_t>{1, 2}));
}

TEST(ViewRulesTest, EnginesFillUpToThree) {
  EXPECT_EQ(VoterIds({Manager(1), Engine(2), Engine(3), Engine(4)}),
            (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(VoterIds({Manager(1), Manager(2), Engine(3), Engine(4)}),
            (std::vector<uint32_t>{1, 2, 3}));
}

TEST(ViewRulesTest, EnginesMakeAnEvenNumberOfManagersOdd) {
  EXPECT_EQ(VoterIds({Manager(1), Manager(2), Manager(3), Manager(4), Engine(5), Engine(6)}),
            (std::vector<uint32_t>{1, 2, 3, 4, 5}));
}

TEST(ViewRulesTest, ThreeManagersNeedNobodyElse) {
  EXPECT_EQ(VoterIds({Manager(1), Manager(2), Manager(3), Engine(4), Witness(5)}),
            (std::vector<uint32_t>{1, 2, 3}));
}

TEST(ViewRulesTest, AWitnessVotesWhereNoEngineMakesTheNumberOdd) {
  EXPECT_EQ(VoterIds({Manager(1), Manager(2), Witness(3)}), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(VoterIds({Manager(1), Engine(2), Witness(3)}), (std::vector<uint32_t>{1, 2, 3}));
}

TEST(ViewRulesTest, AnEngineVotesBeforeAWitness) {
  EXPECT_EQ(VoterIds({Manager(1), Manager(2), Engine(3), Witness(4)}),
            (std::vector<uint32_t>{1, 2, 3}));
}

TEST(ViewRulesTest, LearnersDoNotVote) {
  EXPECT_EQ(
      VoterIds({Manager(1), Manager(2, MemberStatus::kLearner), Engine(3, MemberStatus::kLearner)}),
      (std::vector<uint32_t>{1}));
}

TEST(ViewRulesTest, AFormerVoterLosesItsFlag) {
  MemberInfo learner = Engine(2, MemberStatus::kLearner);
  learner.voter = true;
  EXPECT_EQ(VoterIds({Manager(1), learner}), (std::vector<uint32_t>{1}));
}

TEST(ViewRulesTest, VotersAreOddUnlessTheyAreManagersThatNobodyCompletes) {
  SeededRandom random(6);
  for (int round = 0; round < 2000; ++round) {
    std::vector<MemberInfo> members = RandomMembers(random);
    members[0] = Manager(1);  // The SM.
    SortByRank(members, MemberId(1));
    ChooseVoters(members);
    const size_t voters = VotersOf(MakeView(1, members)).size();
    size_t managers = 0;
    bool fillers = false;
    for (const MemberInfo& member : members) {
      const bool full = member.status == MemberStatus::kFull;
      if (member.role == Role::kManager) {
        EXPECT_EQ(member.voter, full) << "all full managers vote";
        managers += full ? 1 : 0;
      } else {
        fillers = fillers || full || member.role == Role::kWitness;
        EXPECT_FALSE(member.voter && member.status == MemberStatus::kLearner);
      }
    }
    ASSERT_GE(voters, 1u);
    if (fillers) {
      EXPECT_EQ(voters % 2, 1u) << "round " << round;
    } else {
      EXPECT_EQ(voters, managers);
    }
  }
}

// ---- Majorities.

TEST(ViewRulesTest, HalfIsNoMajority) {
  const Quorum two = {MemberId(1), MemberId(2)};
  EXPECT_FALSE(HasMajority(two, std::array{MemberId(1)}));
  EXPECT_TRUE(HasMajority(two, std::array{MemberId(2), MemberId(1)}));
}

TEST(ViewRulesTest, OthersDoNotCount) {
  const Quorum three = {MemberId(1), MemberId(2), MemberId(3)};
  EXPECT_FALSE(HasMajority(three, std::array{MemberId(1), MemberId(7), MemberId(8)}));
  EXPECT_TRUE(HasMajority(three, std::array{MemberId(1), MemberId(3), MemberId(8)}));
}

TEST(ViewRulesTest, AMemberNamedTwiceCountsOnce) {
  const Quorum three = {MemberId(1), MemberId(2), MemberId(3)};
  EXPECT_FALSE(HasMajority(three, std::array{MemberId(1), MemberId(1)}));
}

TEST(ViewRulesTest, NobodyIsNoMajorityOfNobody) { EXPECT_FALSE(HasMajority({}, {})); }

TEST(ViewRulesTest, EveryQuorumNeedsItsOwnMajority) {
  const std::vector<Quorum> quorums = {{MemberId(1), MemberId(2), MemberId(3)}, {MemberId(4)}};
  EXPECT_FALSE(CarriesAll(quorums, std::vector<Vote>{{MemberId(1)}, {MemberId(2)}}));
  EXPECT_TRUE(CarriesAll(quorums, std::vector<Vote>{{MemberId(1)}, {MemberId(2)}, {MemberId(4)}}));
}

TEST(ViewRulesTest, WhoForgotItsPromisesMayNotDecideAlone) {
  const Quorum three = {MemberId(1), MemberId(2), MemberId(3)};
  EXPECT_FALSE(Carries(three, std::vector<Vote>{{MemberId(1)}, {MemberId(2), false}}));
  EXPECT_TRUE(
      Carries(three, std::vector<Vote>{{MemberId(1)}, {MemberId(2), false}, {MemberId(3)}}));
  const Quorum two = {MemberId(1), MemberId(2)};
  EXPECT_FALSE(Carries(two, std::vector<Vote>{{MemberId(1)}}));
  EXPECT_TRUE(Carries(two, std::vector<Vote>{{MemberId(1)}, {MemberId(2), false}}))
      << "the other one remembers all that ever took effect";
}

// One voter has lost its disk.
TEST(ViewRulesTest, WhateverCarriesTwiceSharesAMemberThatRemembersBoth) {
  for (uint32_t size = 1; size <= 5; ++size) {
    Quorum quorum;
    for (uint32_t id = 1; id <= size; ++id) quorum.push_back(MemberId(id));
    for (uint32_t forgot = 0; forgot < size; ++forgot) {
      std::vector<std::set<MemberId>> sets;
      for (uint32_t bits = 0; bits < 1u << size; ++bits) {
        std::vector<Vote> votes;
        std::set<MemberId> remembering;
        for (uint32_t i = 0; i < size; ++i) {
          if ((bits >> i & 1) == 0) continue;
          votes.push_back({quorum[i], i != forgot});
          if (i != forgot) remembering.insert(quorum[i]);
        }
        if (Carries(quorum, votes)) sets.push_back(remembering);
      }
      for (const auto& a : sets) {
        for (const auto& b : sets) {
          EXPECT_NE(std::find_first_of(a.begin(), a.end(), b.begin(), b.end()), a.end());
        }
      }
    }
  }
}

TEST(ViewRulesTest, TwoMajoritiesOfOneQuorumAlwaysShareAMember) {
  for (uint32_t size = 1; size <= 7; ++size) {
    Quorum quorum;
    for (uint32_t id = 1; id <= size; ++id) quorum.push_back(MemberId(id));
    std::vector<std::vector<MemberId>> majorities;
    for (uint32_t bits = 0; bits < 1u << size; ++bits) {
      std::vector<MemberId> ids;
      for (uint32_t i = 0; i < size; ++i) {
        if (bits >> i & 1) ids.push_back(quorum[i]);
      }
      if (HasMajority(quorum, ids)) majorities.push_back(ids);
    }
    for (const auto& a : majorities) {
      for (const auto& b : majorities) {
        EXPECT_NE(std::find_first_of(a.begin(), a.end(), b.begin(), b.end()), a.end());
      }
    }
  }
}

}  // namespace
}  // namespace strata::multicast
