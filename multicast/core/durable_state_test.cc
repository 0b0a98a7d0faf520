#include "multicast/core/durable_state.h"

#include <gtest/gtest.h>

#include <string>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::MakeView;

constexpr GroupId kGroup = GroupId(7);
constexpr MemberId kMember = MemberId(2);

DurableState Promise() {
  DurableState state;
  state.group = kGroup;
  state.member = kMember;
  state.incarnation.bytes.fill(9);
  state.promised = {12, MemberId(3)};
  return state;
}

ViewProposal Proposal() {
  ViewProposal proposal;
  proposal.ballot = {12, MemberId(1)};
  proposal.quorums = {{MemberId(1), MemberId(2)}};
  proposal.view = MakeView(12, 4);
  proposal.log_first = 11;
  LogRecord record;
  record.positions = {{0, 0, 5}};
  proposal.records = {record};
  proposal.positions = {{1, 0, 5}};
  return proposal;
}

DurableState Everything() {
  DurableState state = Promise();
  state.installed = MakeView(11, 3);
  state.accepted = Proposal();
  return state;
}

void ExpectRoundTrip(const DurableState& state) {
  const auto decoded = DecodeDurable(EncodeDurable(state), kGroup, kMember);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->group, state.group);
  EXPECT_EQ(decoded->member, state.member);
  EXPECT_EQ(decoded->incarnation, state.incarnation);
  EXPECT_EQ(decoded->promised, state.promised);
  EXPECT_EQ(decoded->installed, state.installed);
  EXPECT_EQ(decoded->accepted, state.accepted);
}

std::string WhyNot(ByteSpan bytes, GroupId group = kGroup, MemberId member = kMember) {
  const auto decoded = DecodeDurable(bytes, group, member);
  EXPECT_FALSE(decoded.ok());
  return decoded.ok() ? "" : decoded.status().ToString();
}

TEST(DurableStateTest, KeepsAPromiseAlone) { ExpectRoundTrip(Promise()); }

TEST(DurableStateTest, KeepsAnInstalledView) {
  DurableState state = Promise();
  state.installed = MakeView(11, 64);
  ExpectRoundTrip(state);
}

TEST(DurableStateTest, KeepsAnAcceptedProposal) {
  DurableState state = Promise();
  state.accepted = Proposal();
  ExpectRoundTrip(state);
}

TEST(DurableStateTest, KeepsBothViews) { ExpectRoundTrip(Everything()); }

TEST(DurableStateTest, EveryTruncationIsDataLoss) {
  const Bytes whole = EncodeDurable(Everything());
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = DecodeDurable(ByteSpan(whole).first(size), kGroup, kMember);
    EXPECT_FALSE(decoded.ok()) << size << " of " << whole.size() << " bytes";
  }
}

TEST(DurableStateTest, AnotherGroupsStateIsRefusedByName) {
  const std::string why = WhyNot(EncodeDurable(Promise()), GroupId(8));
  EXPECT_NE(why.find("member 2 of group 7, not to member 2 of 8"), std::string::npos) << why;
}

TEST(DurableStateTest, AnotherMembersStateIsRefusedByName) {
  const std::string why = WhyNot(EncodeDurable(Promise()), kGroup, MemberId(5));
  EXPECT_NE(why.find("member 2 of group 7, not to member 5 of 7"), std::string::npos) << why;
}

TEST(DurableStateTest, AnotherFilesBytesAreRefused) {
  EXPECT_NE(WhyNot(AsBytes("#!/bin/sh\necho hello")).find("not one of Strata's"),
            std::string::npos);
}

TEST(DurableStateTest, ALaterFormatIsRefusedByNumber) {
  Bytes bytes = EncodeDurable(Promise());
  bytes[5] = 2;
  EXPECT_NE(WhyNot(bytes).find("format 2; this version reads 1"), std::string::npos);
}

TEST(DurableStateTest, AMalformedViewIsRefused) {
  DurableState state = Promise();
  state.installed = MakeView(11, 3);
  state.installed->members[1].id = state.installed->members[0].id;
  EXPECT_NE(WhyNot(EncodeDurable(state)).find("installed view"), std::string::npos);
}

}  // namespace
}  // namespace strata::multicast
