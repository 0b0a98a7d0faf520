#include "service_manager/locating/location_messages.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "common/address.h"
#include "farm/content_identity.h"
#include "service_manager/directory/location.h"

namespace strata::manager::locating {
namespace {

using federation::GapReason;
using federation::LocateAnswer;
using federation::LocateQuestion;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

LocateQuestion Question() {
  const std::string uri = "http://films.example/one";
  return {.key = farm::KeyOf(uri),
          .canonical_uri = uri,
          .purged = 7,
          .hops_left = 5,
          .visited = {"cdn/dc/lan", "cdn/dc"},
          .time_left = milliseconds(250),
          .trace = true};
}

LocateAnswer Answer() {
  LocateAnswer answer;
  answer.copies = {
      {.holder = {"cdn/dc-one", ""}},
      {.holder = {"cdn/dc-two/lan", "e1"},
       .clients = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:8080")},
       .flags = directory::kComplete | directory::kLibrary,
       .size = uint64_t{1} << 40,
       .stale = true}};
  for (int reason = 0; reason <= static_cast<int>(federation::kGapReasonLast); ++reason) {
    answer.gaps.push_back({"cdn/dc-one", static_cast<GapReason>(reason)});
  }
  answer.keep_for = seconds(5);
  answer.trace = {{.scope = "cdn", .depth = 0, .copies = 2, .took = milliseconds(3)},
                  {.scope = "cdn/dc-two",
                   .depth = 1,
                   .copies = 1,
                   .took = microseconds(900),
                   .round_trip = milliseconds(2)}};
  return answer;
}

TEST(LocationMessagesTest, QuestionsArriveAsTheyLeft) {
  v1::LocateRequest request;
  ToProto(Question(), request);
  EXPECT_EQ(*FromProto(request), Question());
}

TEST(LocationMessagesTest, AnswersArriveAsTheyLeft) {
  v1::LocateReply reply;
  ToProto(Answer(), reply);
  EXPECT_EQ(*FromProto(reply), Answer());
}

TEST(LocationMessagesTest, QuestionsOutOfBoundsAreRefused) {
  v1::LocateRequest good;
  ToProto(Question(), good);
  const auto why = [](const v1::LocateRequest& request) {
    return MessageOf(FromProto(request).status());
  };
  v1::LocateRequest request = good;
  request.set_key("0123456789abcdef0");
  EXPECT_EQ(why(request), "key: 17 bytes, not 16");
  request = good;
  for (int i = 0; i < 7; ++i) request.add_visited("x");
  EXPECT_EQ(why(request), "visited scopes: 9 are more than 8");
  request = good;
  request.set_time_left_us(10'000'001);
  EXPECT_EQ(why(request), "time left: 10000001 us are more than 10 s");
  request.set_time_left_us(UINT64_MAX);
  EXPECT_FALSE(FromProto(request).ok());
}

TEST(LocationMessagesTest, AnswersOutOfBoundsAreRefused) {
  v1::LocateReply good;
  ToProto(Answer(), good);
  const auto why = [](const v1::LocateReply& reply) {
    return MessageOf(FromProto(reply).status());
  };
  v1::LocateReply reply = good;
  for (int i = 0; i < 1023; ++i) reply.add_copies();
  EXPECT_EQ(why(reply), "copies: 1025 are more than 1024");
  reply = good;
  for (int i = 0; i < 60; ++i) reply.add_gaps();
  EXPECT_EQ(why(reply), "gaps: 72 are more than 64");
  reply = good;
  for (int i = 0; i < 63; ++i) reply.add_hops();
  EXPECT_EQ(why(reply), "trace: 65 are more than 64");
  reply = good;
  for (int i = 0; i < 7; ++i) reply.mutable_copies(1)->add_clients("192.0.2.1:80");
  EXPECT_EQ(why(reply), "client addresses: 9 are more than 8");
  reply = good;
  reply.mutable_copies(1)->set_clients(0, "somewhere");
  EXPECT_NE(why(reply).find("somewhere"), std::string::npos);
  reply = good;
  reply.mutable_gaps(0)->set_reason(static_cast<v1::GapReason>(12));
  EXPECT_EQ(why(reply), "gaps: a reason that is not known");
  reply = good;
  reply.set_keep_for_us(60'000'001);
  EXPECT_FALSE(FromProto(reply).ok());
  reply = good;
  reply.mutable_hops(0)->set_took_us(UINT64_MAX);
  EXPECT_FALSE(FromProto(reply).ok());
}

TEST(LocationMessagesTest, AZoneMeansNothingElsewhere) {
  v1::LocateReply reply;
  ToProto(Answer(), reply);
  reply.mutable_copies(1)->set_clients(0, "[fe80::1%3]:80");
  EXPECT_EQ(FromProto(reply)->copies[1].clients[0].interface, 0U);
}

TEST(LocationMessagesTest, PeopleAreToldTheReasonsOfGaps) {
  LocateAnswer answer;
  answer.gaps = {{"cdn/dc-one", GapReason::kSilent}};
  v1::TraceReply reply;
  ToProto(answer, reply);
  EXPECT_EQ(reply.gaps(0).reason(), v1::SILENT);
  EXPECT_EQ(reply.gaps(0).text(), "cdn/dc-one did not answer in time");
}

}  // namespace
}  // namespace strata::manager::locating
