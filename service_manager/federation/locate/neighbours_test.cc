#include "service_manager/federation/locate/neighbours.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

TEST(NeighboursTest, FindsTheChildOnTheWayDown) {
  Neighbours neighbours;
  const Neighbour one{NeighbourId(1), "cdn-one/dc-one"};
  neighbours.SetChild(one);
  neighbours.SetChild({NeighbourId(2), "cdn-one/dc-one-b"});
  EXPECT_EQ(neighbours.ChildTowards("cdn-one/dc-one/lan-a"), one);
  EXPECT_EQ(neighbours.ChildTowards("cdn-one/dc-one"), one);
  EXPECT_EQ(neighbours.ChildTowards("cdn-one/dc"), std::nullopt);
  EXPECT_EQ(neighbours.ChildTowards("cdn-one"), std::nullopt) << "that lies above";
  EXPECT_EQ(neighbours.ChildTowards(""), std::nullopt);
}

TEST(NeighboursTest, KnowsTheParentFromChildren) {
  Neighbours neighbours;
  neighbours.SetParent({NeighbourId(1), "exchange"});
  neighbours.SetChild({NeighbourId(2), "cdn-one/dc-one"});
  EXPECT_TRUE(neighbours.IsParent(NeighbourId(1)));
  EXPECT_FALSE(neighbours.IsParent(NeighbourId(2)));
  EXPECT_EQ(neighbours.Find(NeighbourId(1)), (Neighbour{NeighbourId(1), "exchange"}));
  EXPECT_EQ(neighbours.Find(NeighbourId(2)), (Neighbour{NeighbourId(2), "cdn-one/dc-one"}));
  EXPECT_EQ(neighbours.Find(NeighbourId(3)), std::nullopt);
  EXPECT_EQ(neighbours.ChildTowards("exchange"), std::nullopt);
}

TEST(NeighboursTest, ForgetsAConnectionButNotTheNextOneOfThatScope) {
  Neighbours neighbours;
  neighbours.SetChild({NeighbourId(1), "cdn-one"});
  neighbours.SetChild({NeighbourId(2), "cdn-one"});
  neighbours.Remove(NeighbourId(1));
  EXPECT_EQ(neighbours.Child("cdn-one"), NeighbourId(2));
  neighbours.Remove(NeighbourId(2));
  EXPECT_EQ(neighbours.Child("cdn-one"), std::nullopt);
  neighbours.SetParent({NeighbourId(3), "exchange"});
  neighbours.Remove(NeighbourId(3));
  EXPECT_EQ(neighbours.parent(), std::nullopt);
}

}  // namespace
}  // namespace strata::manager::federation
