#include "tests/integration/replica.h"

#include <gtest/gtest.h>

namespace strata::integration {
namespace {

using multicast::DeliverAction;
using multicast::MemberId;

// A delivery of message `number` of member 3's run 9.
void Deliver(Replica& replica, uint64_t number, uint64_t commit) {
  const Bytes message = Replica::Message(9, number, 40);
  DeliverAction action;
  action.origin = MemberId(3);
  action.commit_number = commit;
  action.message = message;
  replica.Apply(action);
}

TEST(ReplicaTest, IsEqualAfterEqualDeliveries) {
  Replica a;
  Replica b;
  for (uint64_t n = 1; n <= 10; ++n) Deliver(a, n, n);
  for (uint64_t n = 1; n <= 10; ++n) Deliver(b, n, n);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(a.messages(), 10u);
  EXPECT_EQ(a.commit(), 10u);
  EXPECT_EQ(a.LastOf(3, 9), 10u);
  EXPECT_EQ(a.disorders(), 0u);
}

TEST(ReplicaTest, ShowsAnotherGroupingOfTheSameMessages) {
  Replica a;
  Replica b;
  Deliver(a, 1, 1);
  Deliver(a, 2, 1);
  Deliver(b, 1, 1);
  Deliver(b, 2, 2);
  EXPECT_NE(a.hash(), b.hash());
}

TEST(ReplicaTest, TakesALeftOutNumberButNotARepeatedOne) {
  Replica replica;
  Deliver(replica, 1, 1);
  Deliver(replica, 3, 2);
  EXPECT_EQ(replica.disorders(), 0u);
  Deliver(replica, 3, 3);
  EXPECT_EQ(replica.disorders(), 1u);
}

TEST(ReplicaTest, CountsACommitNumberThatGoesBack) {
  Replica replica;
  Deliver(replica, 1, 5);
  Deliver(replica, 2, 4);
  EXPECT_EQ(replica.disorders(), 1u);
}

TEST(ReplicaTest, GoesOnFromASnapshot) {
  Replica a;
  for (uint64_t n = 1; n <= 10; ++n) Deliver(a, n, n);
  Replica b;
  ASSERT_TRUE(b.Load(a.Save()));
  Deliver(a, 11, 11);
  Deliver(b, 11, 11);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(b.messages(), 11u);
  EXPECT_EQ(b.disorders(), 0u);
}

TEST(ReplicaTest, RefusesASnapshotThatIsCutShort) {
  Replica a;
  Deliver(a, 1, 1);
  Bytes state = a.Save();
  state.pop_back();
  Replica b;
  EXPECT_FALSE(b.Load(state));
  EXPECT_EQ(b.messages(), 0u);
}

}  // namespace
}  // namespace strata::integration
