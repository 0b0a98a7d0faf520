#include "multicast/core/admission.h"

#include <gtest/gtest.h>

#include "multicast/core/test_group.h"

namespace strata::multicast {
namespace {

using std::chrono::milliseconds;
using testing::kStart;
using testing::MakeMember;
using testing::TestGroup;

const Endpoint kFrom = {IpAddress::V4(10, 0, 0, 9), 5000};

MemberInfo Joiner(uint32_t id = 9) {
  MemberInfo member = MakeMember(id, Role::kEngine, MemberStatus::kNone);
  member.unicast = kFrom;
  return member;
}

// The SM of three.
class AdmissionTest : public ::testing::Test {
 protected:
  explicit AdmissionTest(CoreSettings settings = {}) : group_(0, 3, std::move(settings)) {}

  void Join(const MemberInfo& who, Timestamp now = kStart) {
    multicast::Join join;
    join.self = who;
    admission_.OnJoin(join, kFrom, now);
  }
  std::vector<Probe> Probes() { return group_.Sent(PacketType::kProbe, DecodeProbe); }
  std::vector<uint16_t> Refusals() {
    std::vector<uint16_t> reasons;
    for (const auto& refused : group_.Sent(PacketType::kJoinRefused, DecodeJoinRefused)) {
      reasons.push_back(refused.reason);
    }
    return reasons;
  }
  // A full-size answer by multicast to the last probe.
  ProbeReply Reply(const MemberInfo& who) {
    ProbeReply reply;
    reply.nonce = Probes().back().nonce;
    reply.by_multicast = true;
    reply.to_group = true;
    reply.self = who;
    reply.padding = 1000;
    return reply;
  }
  // Lets every probe by multicast go unanswered; the joiner goes on asking.
  Timestamp UntilUnicast() {
    Timestamp now = kStart;
    for (int i = 0; i < group_->settings.admission_tries; ++i) {
      Join(Joiner(), now);
      now += group_->settings.join_interval;
    }
    group_.Clear();
    Join(Joiner(), now);
    return now;
  }

  TestGroup group_;
  Admission admission_{*group_};
};

TEST_F(AdmissionTest, ProbesAJoinerWithAFullPacketByMulticast) {
  Join(Joiner());
  ASSERT_EQ(Probes().size(), 1u);
  EXPECT_TRUE(Probes()[0].answer_to_group);
  EXPECT_TRUE(Probes()[0].answer_padded);
  const auto sent = group_.Sent();
  EXPECT_EQ(sent[0].to, Destination::kMulticastOnly);
  EXPECT_EQ(sent[0].body.size(), group_->outbox.max_body());
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, AdmitsWhoAnswersWithAFullPacketByMulticast) {
  Join(Joiner());
  admission_.OnProbeReply(Reply(Joiner()), true, kStart);
  ASSERT_EQ(admission_.Admitted().size(), 1u);
  EXPECT_EQ(admission_.Admitted()[0].id, MemberId(9));
  EXPECT_FALSE(admission_.NeedsFanOut());
}

TEST_F(AdmissionTest, AWrongNonceAdmitsNobody) {
  Join(Joiner());
  ProbeReply reply = Reply(Joiner());
  reply.nonce += 1;
  admission_.OnProbeReply(reply, true, kStart);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, AnotherIncarnationsAnswerAdmitsNobody) {
  Join(Joiner());
  MemberInfo other = Joiner();
  other.incarnation.bytes[0] ^= 1;
  admission_.OnProbeReply(Reply(other), true, kStart);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, AnAnswerThatWasNotToTheGroupAdmitsNobody) {
  Join(Joiner());
  admission_.OnProbeReply(Reply(Joiner()), false, kStart);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, AShortAnswerAdmitsNobody) {
  Join(Joiner());
  ProbeReply reply = Reply(Joiner());
  reply.padding = 0;
  admission_.OnProbeReply(reply, true, kStart);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, ProbesAgainAfterTheJoinInterval) {
  Join(Joiner());
  Join(Joiner(), kStart + milliseconds(99));
  EXPECT_EQ(Probes().size(), 1u);
  admission_.OnTimer(kStart + milliseconds(100));
  EXPECT_EQ(Probes().size(), 2u);
}

TEST_F(AdmissionTest, ARestartedJoinerStartsAnew) {
  Join(Joiner());
  admission_.OnProbeReply(Reply(Joiner()), true, kStart);
  MemberInfo again = Joiner();
  again.incarnation.bytes[0] ^= 1;
  Join(again);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, RefusesALaterVersion) {
  MemberInfo joiner = Joiner();
  joiner.version_min = joiner.version_max = kProtocolVersion + 1;
  Join(joiner);
  EXPECT_EQ(Refusals(), (std::vector<uint16_t>{static_cast<uint16_t>(JoinRefusal::kVersion)}));
  EXPECT_TRUE(Probes().empty());
}

TEST_F(AdmissionTest, RefusesObservers) {
  MemberInfo joiner = Joiner();
  joiner.role = Role::kObserver;
  Join(joiner);
  EXPECT_EQ(Refusals(), (std::vector<uint16_t>{static_cast<uint16_t>(JoinRefusal::kNotAllowed)}));
}

TEST_F(AdmissionTest, RefusesTheIdOfALivingMember) {
  MemberInfo twin = Joiner(2);
  twin.incarnation.bytes.fill(77);
  Join(twin);
  EXPECT_EQ(Refusals(), (std::vector<uint16_t>{static_cast<uint16_t>(JoinRefusal::kDuplicateId)}));
  const auto alarms = group_.Actions<AlarmAction>();
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_EQ(alarms[0].alarm, Alarm::kDuplicateId);
  EXPECT_EQ(alarms[0].member, MemberId(2));
}

TEST_F(AdmissionTest, ProbesTheNewIncarnationOfASilentMember) {
  MemberInfo restarted = Joiner(2);
  restarted.incarnation.bytes.fill(77);
  Join(restarted, kStart + milliseconds(251));
  EXPECT_TRUE(Refusals().empty());
  EXPECT_EQ(Probes().size(), 1u);
}

TEST_F(AdmissionTest, IgnoresItsOwnIdAndNobodysId) {
  Join(Joiner(1));
  Join(Joiner(0));
  EXPECT_TRUE(group_.Sent().empty());
  EXPECT_TRUE(admission_.Recent(kStart).empty());
}

TEST_F(AdmissionTest, AFullGroupRefuses) {
  TestGroup group(0, kMaxMembers);
  Admission admission(*group);
  multicast::Join join;
  join.self = Joiner(200);
  admission.OnJoin(join, kFrom, kStart);
  const auto refused = group.Sent(PacketType::kJoinRefused, DecodeJoinRefused);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].reason, static_cast<uint16_t>(JoinRefusal::kGroupFull));
}

TEST_F(AdmissionTest, TriesUnicastWhereMulticastFails) {
  UntilUnicast();
  const auto sent = group_.Sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].to, Destination::kUnicast);
  EXPECT_EQ(sent[0].unicast, kFrom);
  EXPECT_EQ(sent[0].body.size(), group_->outbox.max_body());
  EXPECT_LT(sent[1].body.size(), 100u) << "a small one tells whether size is the trouble";
}

TEST_F(AdmissionTest, AdmitsByFanOutWhomOnlyUnicastReaches) {
  const Timestamp now = UntilUnicast();
  ProbeReply reply = Reply(Joiner());
  reply.by_multicast = reply.to_group = false;
  admission_.OnProbeReply(reply, false, now);
  EXPECT_EQ(admission_.Admitted().size(), 1u);
  EXPECT_TRUE(admission_.NeedsFanOut());
  ASSERT_EQ(group_.Actions<AlarmAction>().size(), 1u);
  EXPECT_EQ(group_.Actions<AlarmAction>()[0].alarm, Alarm::kNoMulticast);
}

class NoFanOutTest : public AdmissionTest {
 protected:
  static CoreSettings Settings() {
    CoreSettings settings;
    settings.allow_fan_out = false;
    return settings;
  }
  NoFanOutTest() : AdmissionTest(Settings()) {}
};

TEST_F(NoFanOutTest, WhomOnlyUnicastReachesIsNotAdmitted) {
  const Timestamp now = UntilUnicast();
  ProbeReply reply = Reply(Joiner());
  reply.by_multicast = reply.to_group = false;
  admission_.OnProbeReply(reply, false, now);
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, WhoAnswersNothingIsRefusedAsUnreachable) {
  Timestamp now = UntilUnicast();
  for (int i = 0; i < 10 && Refusals().empty(); ++i) {
    now += group_->settings.join_interval;
    Join(Joiner(), now);
  }
  EXPECT_EQ(Refusals(), (std::vector<uint16_t>{static_cast<uint16_t>(JoinRefusal::kNotReachable)}));
}

TEST_F(AdmissionTest, WhoAnswersSmallProbesOnlyIsRefusedForItsMtu) {
  Timestamp now = UntilUnicast();
  ProbeReply reply = Reply(Joiner());
  reply.by_multicast = reply.to_group = false;
  reply.padding = 0;
  admission_.OnProbeReply(reply, false, now);
  EXPECT_TRUE(admission_.Admitted().empty());
  for (int i = 0; i < 10 && Refusals().empty(); ++i) {
    now += group_->settings.join_interval;
    Join(Joiner(), now);
  }
  EXPECT_EQ(Refusals(), (std::vector<uint16_t>{static_cast<uint16_t>(JoinRefusal::kMtu)}));
  ASSERT_EQ(group_.Actions<AlarmAction>().size(), 1u);
  EXPECT_EQ(group_.Actions<AlarmAction>()[0].alarm, Alarm::kMtu);
}

TEST_F(AdmissionTest, ForgetsWhoStoppedAsking) {
  Join(Joiner());
  EXPECT_EQ(admission_.Recent(kStart + milliseconds(1000)).size(), 1u);
  EXPECT_TRUE(admission_.Recent(kStart + milliseconds(1001)).empty());
  admission_.OnProbeReply(Reply(Joiner()), true, kStart);
  admission_.OnTimer(kStart + milliseconds(1001));
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, ForgetsWhoIsInTheView) {
  Join(Joiner());
  admission_.OnProbeReply(Reply(Joiner()), true, kStart);
  group_->view.members.push_back(Joiner());
  admission_.OnViewInstalled();
  EXPECT_TRUE(admission_.Admitted().empty());
}

TEST_F(AdmissionTest, OtherManagersOnlyRememberWhoAsks) {
  TestGroup group(1);
  Admission admission(*group);
  multicast::Join join;
  join.self = Joiner();
  admission.OnJoin(join, kFrom, kStart);
  EXPECT_TRUE(group.Sent().empty());
  EXPECT_EQ(admission.Recent(kStart).size(), 1u);
}

TEST_F(AdmissionTest, RemembersABoundedNumberOfJoiners) {
  for (uint32_t id = 10; id < 1010; ++id) Join(Joiner(id));
  EXPECT_EQ(admission_.Recent(kStart).size(), 128u);
}

}  // namespace
}  // namespace strata::multicast
