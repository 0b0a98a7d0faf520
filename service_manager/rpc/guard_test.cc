#include "service_manager/rpc/guard.h"

#include <gtest/gtest.h>

#include <string>

namespace strata::manager::rpc {
namespace {

using Right = Guard::Right;
using tls::Role;

const std::string kOwn = "cdn-one/dc-two";

bool Has(Right right, Role role, const std::string& scope, bool exchange = false) {
  tls::Identity caller;
  caller.role = role;
  caller.scope = scope;
  return Guard::Has(right, caller, kOwn, exchange);
}

TEST(GuardTest, MembersAreOfThisFarm) {
  EXPECT_TRUE(Has(Right::kEngine, Role::kEngine, kOwn));
  EXPECT_FALSE(Has(Right::kEngine, Role::kEngine, "cdn-one"));
  EXPECT_FALSE(Has(Right::kEngine, Role::kManager, kOwn));
  EXPECT_TRUE(Has(Right::kManager, Role::kManager, kOwn));
  EXPECT_FALSE(Has(Right::kManager, Role::kManager, "cdn-one/dc-two/lan-a"));
  EXPECT_TRUE(Has(Right::kVoter, Role::kWitness, kOwn));
}

TEST(GuardTest, PeopleMayBeOfTheScopesAbove) {
  EXPECT_TRUE(Has(Right::kView, Role::kViewer, "cdn-one"));
  EXPECT_TRUE(Has(Right::kOrder, Role::kOperator, kOwn));
  EXPECT_FALSE(Has(Right::kOrder, Role::kViewer, kOwn));
  EXPECT_FALSE(Has(Right::kView, Role::kOperator, "cdn-one/dc-two/lan-a"));
}

TEST(GuardTest, ChildrenAreBelowOrAnywhereUnderAnExchange) {
  EXPECT_TRUE(Has(Right::kChild, Role::kManager, "cdn-one/dc-two/lan-a"));
  EXPECT_FALSE(Has(Right::kChild, Role::kManager, kOwn));
  EXPECT_FALSE(Has(Right::kChild, Role::kManager, "cdn-one"));
  EXPECT_TRUE(Has(Right::kChild, Role::kManager, "cdn-three", true));
}

TEST(GuardTest, FeedsAreOfChildrenOrOfThisScope) {
  EXPECT_TRUE(Has(Right::kFeed, Role::kManager, "cdn-one/dc-two/lan-a"));
  EXPECT_TRUE(Has(Right::kFeed, Role::kManager, kOwn));
  EXPECT_FALSE(Has(Right::kFeed, Role::kManager, "cdn-one"));
  EXPECT_TRUE(Has(Right::kFeed, Role::kManager, "cdn-three", true));
  EXPECT_FALSE(Has(Right::kFeed, Role::kEngine, kOwn));
}

TEST(GuardTest, NeighboursAreManagersOfOtherScopes) {
  EXPECT_TRUE(Has(Right::kNeighbour, Role::kManager, "cdn-one/dc-two/lan-a"));
  EXPECT_TRUE(Has(Right::kNeighbour, Role::kManager, "cdn-one"));
  EXPECT_TRUE(Has(Right::kNeighbour, Role::kManager, "exchange"));
  EXPECT_FALSE(Has(Right::kNeighbour, Role::kManager, kOwn));
  EXPECT_FALSE(Has(Right::kNeighbour, Role::kEngine, "cdn-one/dc-two/lan-a"));
  EXPECT_FALSE(Has(Right::kNeighbour, Role::kOperator, "cdn-one"));
}

}  // namespace
}  // namespace strata::manager::rpc
