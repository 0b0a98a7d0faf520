#include "multicast/wire/types.h"

#include <gtest/gtest.h>

namespace strata::multicast {
namespace {

TEST(ViewTest, FindsTheSlotOfAMember) {
  View view;
  view.members.resize(2);
  view.members[0].id = MemberId(7);
  view.members[1].id = MemberId(3);
  view.members[1].incarnation.bytes[15] = 1;
  EXPECT_EQ(view.SlotOf(MemberId(7)), 0);
  EXPECT_EQ(view.SlotOf(MemberId(3)), 1);
  EXPECT_EQ(view.SlotOf(MemberId(4)), kNoSlot);
  EXPECT_EQ(view.SlotOf(MemberId(3), view.members[1].incarnation), 1);
  EXPECT_EQ(view.SlotOf(MemberId(3), Incarnation()), kNoSlot);
  EXPECT_EQ(View().SlotOf(MemberId(0)), kNoSlot);
}

TEST(EpochTest, IsOrderedByCounterThenProposer) {
  EXPECT_LT((Epoch{1, MemberId(9)}), (Epoch{2, MemberId(1)}));
  EXPECT_LT((Epoch{2, MemberId(1)}), (Epoch{2, MemberId(2)}));
}

TEST(ToStringTest, NamesThingsForPeople) {
  EXPECT_EQ(ToString(Epoch{12, MemberId(7)}), "12.7");
  EXPECT_EQ(ToString(Incarnation()), std::string(32, '0'));
  EXPECT_EQ(ToString(Role::kManager), "manager");
  EXPECT_EQ(ToString(Role::kObserver), "observer");
  EXPECT_EQ(ToString(static_cast<Role>(77)), "unknown");
  EXPECT_EQ(ToString(MemberStatus::kLearner), "learner");
  EXPECT_EQ(ToString(static_cast<MemberStatus>(77)), "unknown");
}

}  // namespace
}  // namespace strata::multicast
