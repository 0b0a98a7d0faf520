#include "service_manager/link/feed_messages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service_manager/directory/limits.h"
#include "service_manager/link/limits.h"

namespace strata::manager::link {
namespace {

const Hello kHello{.child = {.scope = "cdn-one/lan-a", .level = 1},
                   .greeting = {.epoch = 7, .lowest = 3, .next = 9}};

TEST(FeedMessagesTest, AHelloIsReadAsItWasWritten) {
  const auto read = FromProto(ToRequest(kHello));
  ASSERT_TRUE(read.ok()) << MessageOf(read.status());
  EXPECT_EQ(*read, kHello);
}

TEST(FeedMessagesTest, AWelcomeIsReadAsItWasWritten) {
  const Welcome welcome{
      .parent = {.scope = "cdn-one", .level = 3},
      .feed = {.position = {.epoch = 7, .sequence = 8}, .credit = {.records = 5, .bytes = 6}}};
  const auto read = FromProto(ToReply(welcome));
  ASSERT_TRUE(read.ok()) << MessageOf(read.status());
  EXPECT_EQ(*read, welcome);
}

TEST(FeedMessagesTest, AcknowledgementsAndComparisonsAreReadAsTheyWereWritten) {
  const federation::FeedAcknowledgement acknowledgement{.sequence = 4,
                                                        .credit = {.records = 5, .bytes = 6}};
  EXPECT_EQ(FromProto(ToReply(acknowledgement).acknowledgement()), acknowledgement);
  const federation::FeedComparison comparison{.sequence = 4, .differing = {1, 4095}};
  const auto read = FromProto(ToReply(comparison).comparison());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, comparison);
}

TEST(FeedMessagesTest, AnotherProtocolIsNamed) {
  v1::FeedRequest request = ToRequest(kHello);
  request.mutable_hello()->set_protocol(kFeedProtocol + 1);
  const auto read = FromProto(request);
  EXPECT_EQ(read.status().code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(read.status()).find("speaks feed protocol 2"), std::string::npos)
      << MessageOf(read.status());
}

TEST(FeedMessagesTest, WhatMakesNoSenseIsRefused) {
  EXPECT_FALSE(FromProto(v1::FeedRequest()).ok());
  EXPECT_FALSE(FromProto(v1::FeedReply()).ok());
  v1::FeedRequest nowhere = ToRequest(kHello);
  nowhere.mutable_hello()->set_scope("Cdn One");
  EXPECT_FALSE(FromProto(nowhere).ok());
  const federation::FeedComparison too_many{
      .sequence = 1, .differing = std::vector<uint32_t>(directory::kRanges + 1)};
  EXPECT_FALSE(FromProto(ToReply(too_many).comparison()).ok());
}

}  // namespace
}  // namespace strata::manager::link
