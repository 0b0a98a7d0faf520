#include "service_manager/federation/feed/sender_holders.h"

#include <gtest/gtest.h>

namespace strata::manager::federation {
namespace {

using directory::Holder;

Introduction Engine(uint32_t number, uint16_t port = 80) {
  return {.holder = Holder(number),
          .name = {"cdn-one/lan-a", "north-" + std::to_string(number)},
          .clients = {{.ip = IpAddress::V4(192, 0, 2, 1), .port = port}}};
}

// Those that are due, in their order; they are introduced.
std::vector<uint32_t> Due(SenderHolders& holders) {
  std::vector<uint32_t> due;
  while (const std::optional<Holder> holder = holders.NextDue()) {
    due.push_back(holder->value());
    holders.OnIntroduced(*holder);
  }
  return due;
}

TEST(SenderHoldersTest, AStreamHearsOfAHolderOnce) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  ASSERT_NE(holders.ToIntroduce(Holder(1)), nullptr);
  EXPECT_EQ(*holders.ToIntroduce(Holder(1)), Engine(1));
  holders.OnIntroduced(Holder(1));
  EXPECT_EQ(holders.ToIntroduce(Holder(1)), nullptr);
  holders.OnStream(1);
  EXPECT_NE(holders.ToIntroduce(Holder(1)), nullptr);
  EXPECT_EQ(holders.identity(Holder(1)), IdentityOf(Engine(1).name));
}

TEST(SenderHoldersTest, OtherAddressesAreDueAtOnce) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  EXPECT_TRUE(Due(holders).empty()) << "nobody has heard of it";
  holders.OnIntroduced(Holder(1));
  ASSERT_TRUE(holders.Set(Engine(1), 5).ok());
  EXPECT_TRUE(Due(holders).empty()) << "nothing has changed";
  ASSERT_TRUE(holders.Set(Engine(1, 81), 5).ok());
  EXPECT_EQ(Due(holders), std::vector<uint32_t>{1});
  EXPECT_TRUE(Due(holders).empty());
}

TEST(SenderHoldersTest, OtherAddressesAreDueInAStreamThatHasNotHeardOfItYet) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  holders.OnStream(7);
  ASSERT_TRUE(holders.Set(Engine(1, 81), 8).ok());
  EXPECT_EQ(Due(holders), std::vector<uint32_t>{1});
}

TEST(SenderHoldersTest, AStreamThatGoesOnHearsWhatChangedBehindItsPosition) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 3).ok());
  ASSERT_TRUE(holders.Set(Engine(2), 8).ok());
  holders.OnStream(7);
  EXPECT_EQ(Due(holders), std::vector<uint32_t>{2});
  holders.OnStream(8);
  EXPECT_TRUE(Due(holders).empty());
  holders.OnStream(std::nullopt);
  EXPECT_EQ(Due(holders).size(), 2U) << "anew: all";
}

TEST(SenderHoldersTest, AHolderStaysUntilNoRecordNamesIt) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  holders.Forget(Holder(1), 5);
  EXPECT_NE(holders.ToIntroduce(Holder(1)), nullptr);
  holders.OnForgotten(3);
  EXPECT_NE(holders.ToIntroduce(Holder(1)), nullptr);
  EXPECT_EQ(holders.Set({.holder = Holder(1), .name = {"cdn-one/lan-a", "other"}}, 5).code(),
            StatusCode::kInvalidArgument);
  holders.OnForgotten(4);
  EXPECT_TRUE(holders.Set({.holder = Holder(1), .name = {"cdn-one/lan-a", "other"}}, 5).ok());
}

TEST(SenderHoldersTest, AHolderThatIsUsedAgainStays) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  holders.Forget(Holder(1), 5);
  ASSERT_TRUE(holders.Set(Engine(1), 6).ok());
  holders.OnForgotten(10);
  EXPECT_NE(holders.ToIntroduce(Holder(1)), nullptr);
}

TEST(SenderHoldersTest, WhatIsForgottenIsNotDue) {
  SenderHolders holders;
  ASSERT_TRUE(holders.Set(Engine(1), 1).ok());
  holders.Forget(Holder(1), 5);
  holders.OnStream(std::nullopt);
  EXPECT_TRUE(Due(holders).empty());
}

TEST(SenderHoldersTest, RefusesWhatCannotBeTold) {
  SenderHolders holders;
  EXPECT_EQ(holders.Set({.holder = Holder(1), .name = {"no scope", ""}}, 1).code(),
            StatusCode::kInvalidArgument);
  Introduction scope = Engine(1);
  scope.name.engine.clear();
  EXPECT_EQ(MessageOf(holders.Set(scope, 1)),
            "cdn-one/lan-a: 1 addresses for clients, at most 0 can be told");
  Introduction engine = Engine(1);
  engine.clients.resize(kFeedEndpointsMax + 1, engine.clients[0]);
  EXPECT_FALSE(holders.Set(engine, 1).ok());
}

}  // namespace
}  // namespace strata::manager::federation
