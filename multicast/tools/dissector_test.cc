#include "multicast/tools/dissector.h"

#include <gtest/gtest.h>

#include "multicast/tools/golden_packets.h"
#include "multicast/tools/packet_text.h"

namespace strata::multicast {
namespace {

using Lines = std::vector<std::string>;

class DissectorTest : public testing::Test {
 protected:
  static Lines Take(Dissector& dissector, ByteSpan packet) {
    return dissector.Take(0, {.from = *Endpoint::Parse("192.0.2.9:4809"),
                              .to = *Endpoint::Parse("239.5.0.1:7450"),
                              .payload = packet});
  }
  // The example, with another packet counter.
  static Bytes Packet(const std::string& name, uint8_t counter) {
    Bytes packet = GoldenPacketNamed(name).bytes;
    EXPECT_FALSE(packet.empty());
    packet[kHeaderBytes - 1] = counter;
    return packet;
  }

  const KeyRing open_{};
};

TEST_F(DissectorTest, GivesEachRecordOfDataALine) {
  Dissector dissector({}, open_);
  EXPECT_EQ(Take(dissector, Packet("data-packed", 1)).size(), 3u);
  EXPECT_EQ(dissector.decoded(), 1u);
  EXPECT_EQ(dissector.lines(), 3u);
}

TEST_F(DissectorTest, ShowsTheWantedTypesOnly) {
  DissectorOptions options;
  options.types = {static_cast<uint8_t>(PacketType::kAck)};
  Dissector dissector(options, open_);
  EXPECT_TRUE(Take(dissector, Packet("data-packed", 1)).empty());
  EXPECT_EQ(Take(dissector, Packet("ack", 2)).size(), 1u);
  EXPECT_EQ(dissector.decoded(), 2u);
}

TEST_F(DissectorTest, ShowsTheWantedSendersOnly) {
  DissectorOptions options;
  options.members = {MemberId(9)};
  Dissector dissector(options, open_);
  EXPECT_TRUE(Take(dissector, Packet("commit", 1)).empty());
  EXPECT_EQ(Take(dissector, Packet("ack", 2)).size(), 1u);
}

TEST_F(DissectorTest, CountsOtherGroupsIfOneIsWanted) {
  DissectorOptions options;
  options.group = GroupId(7);
  Dissector dissector(options, open_);
  EXPECT_TRUE(Take(dissector, Packet("ack", 1)).empty());
  EXPECT_EQ(dissector.undecoded().at("foreign_group"), 1u);
}

TEST_F(DissectorTest, NamesTheGroupOnceThereAreTwo) {
  Dissector dissector({}, open_);
  EXPECT_EQ(Take(dissector, Packet("ack", 1))[0].find("group="), std::string::npos);
  Bytes other = Packet("ack", 1);
  other[15] = 0x77;
  EXPECT_NE(Take(dissector, other)[0].find("group=4215"), std::string::npos);
}

TEST_F(DissectorTest, CountsWhatItCannotReadByReason) {
  Dissector dissector({}, open_);
  Take(dissector, Bytes(10));
  Bytes magic = Packet("ack", 1);
  magic[0] = 1;
  Take(dissector, magic);
  Bytes version = Packet("ack", 2);
  version[1] = 9;
  Take(dissector, version);
  Bytes type = Packet("ack", 3);
  type[2] = 99;
  Take(dissector, type);
  Bytes body = Packet("ack", 4);
  body.resize(body.size() - 1);
  Take(dissector, body);
  Take(dissector, Packet("ack", 4));
  Bytes nobody = Packet("ack", 5);
  nobody[7] = 0;
  Take(dissector, nobody);
  const std::map<std::string_view, uint64_t> expected = {
      {"too_short", 1}, {"bad_magic", 1}, {"bad_version", 1}, {"unknown_type", 1},
      {"malformed", 1}, {"replayed", 1},  {"no_sender", 1}};
  EXPECT_EQ(dissector.undecoded(), expected);
  for (const auto& [reason, count] : expected) EXPECT_NE(ExplainUndecoded(reason), "") << reason;
}

TEST_F(DissectorTest, ShowsWhatItCannotReadIfAsked) {
  DissectorOptions options;
  options.show_undecoded = true;
  Dissector dissector(options, open_);
  EXPECT_EQ(Take(dissector, Bytes(10)),
            Lines{"00:00:00.000000 192.0.2.9:4809 undecoded=too_short bytes=10"});
}

TEST_F(DissectorTest, TakesATrainApart) {
  Bytes train = Packet("ack", 1);
  for (const uint8_t counter : {2, 3}) {
    const Bytes next = Packet("ack", counter);
    train.insert(train.end(), next.begin(), next.end());
  }
  Dissector dissector({}, open_);
  EXPECT_EQ(Take(dissector, train).size(), 3u);
  EXPECT_EQ(dissector.datagrams(), 3u);
}

TEST_F(DissectorTest, JoinsTheFragmentsOfABody) {
  const Bytes whole = Packet("report", 1);
  const ByteSpan body = ByteSpan(whole).subspan(kHeaderBytes);
  DissectorOptions options;
  options.types = {static_cast<uint8_t>(PacketType::kReport)};
  Dissector dissector(options, open_);
  Lines lines;
  for (uint16_t index = 0; index < 2; ++index) {
    Bytes packet(kHeaderBytes + 400);
    std::copy_n(whole.begin(), kHeaderBytes, packet.begin());
    packet[kTypeOffset] = static_cast<uint8_t>(PacketType::kFragment);
    packet[kHeaderBytes - 1] = static_cast<uint8_t>(index + 1);
    Fragment fragment;
    fragment.inner_type = static_cast<uint8_t>(PacketType::kReport);
    fragment.index = index;
    fragment.count = 2;
    fragment.body_id = 5;
    fragment.bytes = index == 0 ? body.first(150) : body.subspan(150);
    ByteWriter writer(std::span<uint8_t>(packet).subspan(kHeaderBytes));
    Encode(fragment, writer);
    packet.resize(kHeaderBytes + writer.size());
    lines = Take(dissector, packet);
  }
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("(joined) 9 REPORT"), std::string::npos);
  EXPECT_NE(lines[0].find("installed={view=4"), std::string::npos);
}

TEST_F(DissectorTest, FollowsALimitedNumberOfGroups) {
  Dissector dissector({}, open_);
  Bytes packet = Packet("ack", 1);
  for (size_t group = 0; group <= Dissector::kMaxGroups; ++group) {
    packet[15] = static_cast<uint8_t>(group);
    Take(dissector, packet);
  }
  EXPECT_EQ(dissector.undecoded().at("too_many_groups"), 1u);
}

TEST(PacketTextTest, KnowsTypesByNameInAnyCaseAndByNumber) {
  EXPECT_EQ(ParsePacketType("data"), 1);
  EXPECT_EQ(ParsePacketType("Abort-Ack"), 7);
  EXPECT_EQ(ParsePacketType("FRAGMENT"), 20);
  EXPECT_EQ(ParsePacketType("25"), 25);
  EXPECT_EQ(ParsePacketType("0"), std::nullopt);
  EXPECT_EQ(ParsePacketType("128"), std::nullopt);
  EXPECT_EQ(ParsePacketType(""), std::nullopt);
  EXPECT_EQ(ParsePacketType("nothing"), std::nullopt);
}

TEST(PacketTextTest, NamesEveryType) {
  for (uint8_t type = 1; type <= 20; ++type) {
    EXPECT_EQ(ParsePacketType(PacketTypeName(type)), type);
  }
  EXPECT_EQ(PacketTypeName(25), "type-25");
}

}  // namespace
}  // namespace strata::multicast
