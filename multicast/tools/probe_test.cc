#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "multicast/tools/probe_report.h"
#include "multicast/tools/probe_session.h"

namespace strata::multicast {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kBody = 1400;

// A member as the probe meets it: what arrives there, and what of it arrives here.
struct FakeMember {
  uint32_t id = 1;
  bool hears_multicast = true;
  bool is_heard_by_multicast = true;
  bool hears_unicast = true;
  size_t body_bytes_max = kBody;
  int loses_every = 0;  // Answers by multicast, counted.
  int answers = 0;
  uint32_t view = 5;
  uint32_t sm = 1;
  MemberStatus status = MemberStatus::kFull;
  uint8_t incarnation = 7;

  Endpoint endpoint() const {
    return {.ip = IpAddress::V4(192, 0, 2, static_cast<uint8_t>(id)), .port = 4800};
  }
  Header HeaderFor(PacketType type) const {
    Header header;
    header.type = static_cast<uint8_t>(type);
    header.sender = MemberId(id);
    header.view_number = view;
    if (view != 0) header.epoch = {9, MemberId(sm)};
    header.incarnation.bytes.fill(incarnation);
    return header;
  }
};

class ProbeTest : public testing::Test {
 protected:
  FakeMember& Add(uint32_t id) {
    FakeMember& member = fakes_.emplace_back();
    member.id = id;
    member.sm = fakes_[0].id;
    return member;
  }

  void Encoded(FakeMember& member, PacketType type, const auto& body, bool by_multicast) {
    Bytes bytes(9000);
    ByteWriter out(bytes);
    Encode(body, out);
    session_.OnPacket(member.HeaderFor(type), out.written(), member.endpoint(), by_multicast, now_);
  }

  void Heartbeats() {
    for (FakeMember& member : fakes_) {
      if (member.is_heard_by_multicast) Encoded(member, PacketType::kHeartbeat, Heartbeat(), true);
    }
  }

  void Answer(FakeMember& member, const ProbeSession::Outgoing& outgoing) {
    const bool hears = outgoing.multicast
                           ? member.hears_multicast
                           : member.hears_unicast && outgoing.to == member.endpoint();
    const bool to_group = outgoing.probe.answer_to_group;
    if (!hears || outgoing.probe.padding + 12u > member.body_bytes_max) return;
    if (to_group && !member.is_heard_by_multicast) return;
    if (to_group && member.loses_every > 0 && ++member.answers % member.loses_every == 0) return;
    ProbeReply reply;
    reply.nonce = outgoing.probe.nonce;
    reply.by_multicast = outgoing.multicast;
    reply.to_group = to_group;
    reply.mtu = 1500;
    reply.self.id = MemberId(member.id);
    reply.self.role = member.id < 3 ? Role::kManager : Role::kEngine;
    reply.self.status = member.status;
    reply.self.incarnation = member.HeaderFor(PacketType::kProbeReply).incarnation;
    reply.self.unicast = member.endpoint();
    Encoded(member, PacketType::kProbeReply, reply, to_group);
  }

  void Run(int rounds = 20) {
    for (int round = 0; round < rounds; ++round) {
      for (const ProbeSession::Outgoing& outgoing : session_.StartRound()) {
        session_.OnSent(outgoing.probe, now_);
        now_ += microseconds(200);
        for (FakeMember& member : fakes_) Answer(member, outgoing);
      }
      now_ += milliseconds(100);
    }
  }

  std::vector<std::string> Faults(double loss = 1, size_t expected = 0) {
    return FindFaults({.members = session_.members(),
                       .rejected = rejected_,
                       .loss_percent_max = loss,
                       .members_expected = expected});
  }
  // The only finding.
  std::string Fault() {
    const std::vector<std::string> faults = Faults();
    return faults.size() == 1 ? faults[0] : std::to_string(faults.size()) + " findings";
  }
  const ProbedMember& Member(uint32_t id) { return session_.members().at(MemberId(id)); }

  SeededRandom random_{1};
  ProbeSession session_{kBody, random_};
  std::vector<FakeMember> fakes_;
  std::map<std::string_view, uint64_t> rejected_;
  Timestamp now_ = Timestamp::FromNanos(1'000'000'000);
};

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << (text)

TEST_F(ProbeTest, FindsNothingWrongWithAHealthyGroup) {
  for (const uint32_t id : {1, 2, 7}) Add(id);
  Run();
  EXPECT_EQ(session_.members().size(), 3u);
  EXPECT_TRUE(Faults().empty()) << Faults()[0];
  EXPECT_TRUE(Member(1).is_sm());
  EXPECT_FALSE(Member(2).is_sm());
}

TEST_F(ProbeTest, MeasuresRoundTrips) {
  Add(1);
  Run();
  for (const Duration trip : Member(1).path(ProbePath::kUnicast).round_trips) {
    EXPECT_EQ(trip, microseconds(200));
  }
  EXPECT_EQ(Member(1).path(ProbePath::kMulticast).answered, 20u);
}

TEST_F(ProbeTest, TellsWhoAnswersUnicastOnly) {
  Add(1);
  FakeMember& deaf = Add(7);
  deaf.hears_multicast = deaf.is_heard_by_multicast = false;
  session_.AddSeed(deaf.endpoint());
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 answers unicast but not multicast: look at IGMP/MLD snooping");
  EXPECT_EQ(MulticastReach(Member(7)), Reach::kNot);
}

TEST_F(ProbeTest, TellsWhoDoesNotHearMulticast) {
  Add(1);
  Add(7).hears_multicast = false;
  Heartbeats();
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 is heard by multicast, but does not hear it");
}

TEST_F(ProbeTest, TellsWhoseMulticastDoesNotArrive) {
  Add(1);
  Add(7).is_heard_by_multicast = false;
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 hears multicast from here, but its own does not arrive");
}

TEST_F(ProbeTest, TellsWhoDoesNotAnswerUnicast) {
  Add(1);
  Add(7).hears_unicast = false;
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 answers multicast but not unicast");
}

TEST_F(ProbeTest, TellsWhoIsHeardAndAnswersNothing) {
  Add(1);
  FakeMember& mute = Add(7);
  mute.hears_unicast = mute.hears_multicast = false;
  Heartbeats();
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 is heard by multicast, but answers nothing");
}

TEST_F(ProbeTest, SaysOnceThatThereIsNoMulticastAtAll) {
  for (const uint32_t id : {1, 2}) {
    FakeMember& member = Add(id);
    member.hears_multicast = member.is_heard_by_multicast = false;
    session_.AddSeed(member.endpoint());
  }
  Run();
  EXPECT_CONTAINS(Fault(), "no multicast passes between this machine and the group");
}

TEST_F(ProbeTest, CountsLoss) {
  Add(1);
  Add(7).loses_every = 4;
  Run(40);
  EXPECT_NEAR(Member(7).path(ProbePath::kMulticast).loss_percent(), 25, 10);
  EXPECT_EQ(Member(7).path(ProbePath::kUnicast).loss_percent(), 0);
  EXPECT_CONTAINS(Fault(), "by multicast and none to speak of by unicast");
  EXPECT_TRUE(Faults(60).empty());
}

TEST_F(ProbeTest, TellsOfASmallerMtuOnTheWay) {
  Add(1);
  Add(7).body_bytes_max = 1300;
  Run();
  EXPECT_CONTAINS(Fault(), "member 7 (MTU 1500) answers small packets, but not those of full size");
  EXPECT_FALSE(FullSizeWorks(Member(7)));
}

TEST_F(ProbeTest, TellsOfAnIdThatTwoProcessesUse) {
  Add(1);
  Add(7);
  Add(7).incarnation = 8;
  Run();
  EXPECT_CONTAINS(Fault(), "two processes answer as member 7");
}

TEST_F(ProbeTest, TellsWhoIsInNoViewAndWhoLearns) {
  Add(1);
  FakeMember& joining = Add(7);
  joining.view = 0;
  joining.status = MemberStatus::kNone;
  Add(8).status = MemberStatus::kLearner;
  Run();
  const std::vector<std::string> faults = Faults();
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_CONTAINS(faults[0], "member 7 is in no view");
  EXPECT_CONTAINS(faults[1], "member 8 is a learner");
}

TEST_F(ProbeTest, TellsOfDifferentViews) {
  Add(1);
  Add(7).view = 4;
  Run();
  EXPECT_CONTAINS(Fault(),
                  "members have different views: 4 (epoch 9.1) has 7; 5 (epoch 9.1) has 1.");
}

TEST_F(ProbeTest, MissesTheServiceManager) {
  Add(7).sm = 1;
  Run();
  EXPECT_EQ(Fault(), "the Service Manager, member 1, does not answer");
}

TEST_F(ProbeTest, TellsThatTheGroupIsFannedOut) {
  FakeMember& member = Add(1);
  Heartbeat test;
  test.multicast_test = true;
  Encoded(member, PacketType::kHeartbeat, test, true);
  Run();
  EXPECT_CONTAINS(Fault(), "the group is fanned out");
}

TEST_F(ProbeTest, SaysSoIfThereIsNobody) {
  Run();
  EXPECT_CONTAINS(Fault(), "nobody was heard");
}

TEST_F(ProbeTest, ExplainsRejectedPackets) {
  rejected_["wrong_security"] = 5;
  EXPECT_CONTAINS(Fault(), "5 packets are sealed and no keys were given");
}

TEST_F(ProbeTest, CountsTheMembersThatShouldBeThere) {
  Add(1);
  Run();
  EXPECT_EQ(Faults(1, 3), std::vector<std::string>{"only 1 of 3 members were found"});
}

TEST_F(ProbeTest, DoesNotTakeAnotherObserverForAMember) {
  FakeMember other;
  other.id = 99;
  other.view = 0;
  Encoded(other, PacketType::kProbe, Probe(), true);
  EXPECT_TRUE(session_.members().empty());
}

TEST_F(ProbeTest, IgnoresAnswersToWhatItDidNotAsk) {
  FakeMember& member = Add(1);
  ProbeReply reply;
  reply.nonce = 12345;
  reply.self.id = MemberId(1);
  Encoded(member, PacketType::kProbeReply, reply, true);
  EXPECT_FALSE(Member(1).answered);
}

TEST_F(ProbeTest, WritesATable) {
  for (const uint32_t id : {1, 7}) Add(id);
  Run();
  std::ostringstream out;
  WriteTable({.group = "group 5", .members = session_.members(), .findings = {}}, out);
  EXPECT_EQ(out.str(),
            "group 5\n\n"
            "id   role     status  rtt p50  rtt p99  lost mcast  lost ucast  multicast  unicast  "
            "full size  version  view  address\n"
            " 1*  manager  full    0.20 ms  0.20 ms       0.0 %       0.0 %  both ways  yes      "
            "yes 1500   1        5     192.0.2.1:4800\n"
            " 7   engine   full    0.20 ms  0.20 ms       0.0 %       0.0 %  both ways  yes      "
            "yes 1500   1        5     192.0.2.7:4800\n"
            "* Service Manager\n\n"
            "All is well: 2 members answer by multicast and unicast.\n");
}

TEST_F(ProbeTest, WritesJson) {
  Add(1);
  Run();
  std::ostringstream out;
  WriteJson({.group = "group \"5\"", .members = session_.members(), .findings = {"a", "b"}}, out);
  EXPECT_EQ(out.str(),
            "{\"group\": \"group \\\"5\\\"\",\n \"ok\": false,\n \"members\": [\n"
            "  {\"id\": 1, \"answered\": true, \"role\": \"manager\", \"status\": \"full\", "
            "\"sm\": true, \"address\": \"192.0.2.1:4800\", \"round_trip_p50_us\": 200.0, "
            "\"round_trip_p99_us\": 200.0, \"loss_multicast_percent\": 0.00, "
            "\"loss_unicast_percent\": 0.00, \"multicast\": \"both ways\", \"unicast\": true, "
            "\"full_size\": true, \"mtu\": 1500, \"version_min\": 1, \"version_max\": 1, "
            "\"view\": 5, \"epoch\": \"9.1\"}],\n \"findings\": [\n  \"a\",\n  \"b\"]}\n");
}

}  // namespace
}  // namespace strata::multicast
