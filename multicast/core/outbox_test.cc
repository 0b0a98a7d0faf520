#include "multicast/core/outbox.h"

#include <gtest/gtest.h>

#include "multicast/core/fragment_joiner.h"
#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using testing::MakeView;
using testing::SentPacket;
using testing::TestGroup;

TEST(OutboxTest, WritesTheHeaderOfTheMembersState) {
  TestGroup group(1);
  group->outbox.Send(PacketType::kInstall, Ballot{{4, MemberId(2)}}, To::Group());
  const std::vector<SentPacket> sent = group.Sent();
  ASSERT_EQ(sent.size(), 1u);
  const Header& header = sent[0].header;
  EXPECT_EQ(header.type, static_cast<uint8_t>(PacketType::kInstall));
  EXPECT_EQ(header.sender, MemberId(2));
  EXPECT_EQ(header.group, GroupId(7));
  EXPECT_EQ(header.epoch, group->view.epoch);
  EXPECT_EQ(header.view_number, 1u);
  EXPECT_EQ(header.incarnation, group->self.incarnation);
  EXPECT_EQ(header.version, kProtocolVersion);
}

TEST(OutboxTest, LeavesSealingToTheDriver) {
  TestGroup group(1);
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::Group());
  const Header header = group.Sent()[0].header;
  EXPECT_FALSE(header.sealed);
  EXPECT_EQ(header.key_id, 0);
  EXPECT_EQ(header.counter, 0u);
}

TEST(OutboxTest, FollowsTheView) {
  TestGroup group(1);
  group->outbox.SetView(MakeView(9, 2));
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::Group());
  EXPECT_EQ(group.Sent()[0].header.view_number, 9u);
  EXPECT_EQ(group.Sent()[0].header.epoch, (Epoch{9, MemberId(1)}));
}

TEST(OutboxTest, SendsWhereItIsTold) {
  TestGroup group(0);
  const Endpoint endpoint{IpAddress::V4(192, 0, 2, 1), 99};
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::Group());
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::Acks());
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::MulticastOnly());
  group->outbox.Send(PacketType::kInstall, Ballot{}, To::Unicast(endpoint));
  const std::vector<SentPacket> sent = group.Sent();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].to, Destination::kGroup);
  EXPECT_EQ(sent[1].to, Destination::kAcks);
  EXPECT_EQ(sent[2].to, Destination::kMulticastOnly);
  EXPECT_EQ(sent[3].to, Destination::kUnicast);
  EXPECT_EQ(sent[3].unicast, endpoint);
}

TEST(OutboxTest, LaterPacketsLeaveEarlierOnesAlone) {
  TestGroup group(0);
  group->outbox.Send(PacketType::kInstall, Ballot{{1, MemberId(1)}}, To::Group());
  group->outbox.Send(PacketType::kInstall, Ballot{{2, MemberId(2)}}, To::Group());
  const auto ballots = group.Sent(PacketType::kInstall, DecodeBallot);
  ASSERT_EQ(ballots.size(), 2u);
  EXPECT_EQ(ballots[0].ballot.counter, 1u);
  EXPECT_EQ(ballots[1].ballot.counter, 2u);
}

// What the link carries, less UDP and IP, header and tag.
TEST(OutboxTest, RoomFollowsTheMtuAndTheFamily) {
  TestGroup group(0);
  EXPECT_EQ(group->outbox.max_body(), 1500u - 28 - 56 - 16);
  MemberInfo self = group->self;
  self.mtu = 9000;
  group->outbox.SetSelf(self);
  EXPECT_EQ(group->outbox.max_body(), 9000u - 28 - 56 - 16);
  self.unicast.ip = IpAddress::V6({0x20, 1});
  group->outbox.SetSelf(self);
  EXPECT_EQ(group->outbox.max_body(), 9000u - 48 - 56 - 16);
  self.mtu = 100;
  group->outbox.SetSelf(self);
  EXPECT_EQ(group->outbox.max_body(), size_t{kMinMtu} - 48 - 56 - 16);
}

TEST(OutboxTest, ASmallControlBodyStaysWhole) {
  TestGroup group(0);
  Commit commit;
  commit.first = 1;
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  ASSERT_EQ(group.Sent().size(), 1u);
  EXPECT_EQ(group.Sent()[0].type, PacketType::kCommit);
}

Commit LargeCommit() {
  Commit commit;
  commit.first = 1;
  for (Seq i = 0; i < 200; ++i) commit.progress.push_back({1, 2, i});
  return commit;
}

TEST(OutboxTest, CutsABodyThatFitsNoDatagramIntoFragmentsThatJoinAgain) {
  TestGroup group(0);
  const Commit commit = LargeCommit();
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  const auto fragments = group.Sent(PacketType::kFragment, DecodeFragment);
  ASSERT_EQ(fragments.size(), 2u);
  FragmentJoiner joiner;
  EXPECT_FALSE(joiner.OnFragment(MemberId(1), {}, fragments[0]));
  const auto joined = joiner.OnFragment(MemberId(1), {}, fragments[1]);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->type, PacketType::kCommit);
  const auto decoded = DecodeCommit(joined->body);
  ASSERT_TRUE(std::holds_alternative<Commit>(decoded));
  EXPECT_EQ(std::get<Commit>(decoded), commit);
}

TEST(OutboxTest, EachCutBodyHasAnIdOfItsOwn) {
  TestGroup group(0);
  Commit commit = LargeCommit();
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  ++commit.first;
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  const auto fragments = group.Sent(PacketType::kFragment, DecodeFragment);
  ASSERT_EQ(fragments.size(), 4u);
  EXPECT_EQ(fragments[0].body_id, fragments[1].body_id);
  EXPECT_NE(fragments[1].body_id, fragments[2].body_id);
}

TEST(OutboxTest, FragmentsOfARepeatCompleteTheBody) {
  TestGroup group(0);
  const Commit commit = LargeCommit();
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  const auto fragments = group.Sent(PacketType::kFragment, DecodeFragment);
  ASSERT_EQ(fragments.size(), 4u);
  FragmentJoiner joiner;
  EXPECT_FALSE(joiner.OnFragment(MemberId(1), {}, fragments[1]));
  EXPECT_TRUE(joiner.OnFragment(MemberId(1), {}, fragments[2]));
}

TEST(OutboxTest, EveryDatagramFitsTheLink) {
  TestGroup group(0);
  const Commit commit = LargeCommit();
  group->outbox.SendLarge(PacketType::kCommit, commit, EncodedSizeMax(commit), To::Group());
  for (const TransmitAction& action : group.Actions<TransmitAction>()) {
    EXPECT_LE(action.datagram.size() + kTagBytes + kIpv4UdpHeaderBytes, 1500u);
  }
}

}  // namespace
}  // namespace strata::multicast
