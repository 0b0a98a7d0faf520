#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "common/hex.h"
#include "multicast/wire/gcm.h"
#include "multicast/wire/packets.h"
#include "multicast/wire/seal.h"

// The packets of docs/protocols/multicast.md, section 15, read from the document: they decode to
// what their explanations say, and encode to the same bytes.

namespace strata::multicast {
namespace {

constexpr char kDocument[] = "docs/protocols/multicast.md";
constexpr GroupId kGroup(0x1001);

// Name -> content of the fenced blocks of one kind, line by line without explanations.
std::map<std::string, std::vector<std::string>> Blocks(const std::string& kind) {
  std::map<std::string, std::vector<std::string>> blocks;
  std::vector<std::string>* block = nullptr;
  std::ifstream document(kDocument);
  EXPECT_TRUE(document.good()) << kDocument;
  const std::string fence = "```" + kind + " ";
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with(fence)) {
      block = &blocks[line.substr(fence.size())];
    } else if (line.starts_with("```")) {
      block = nullptr;
    } else if (block != nullptr) {
      block->push_back(line.substr(0, line.find('#')));
    }
  }
  return blocks;
}

Bytes BytesOf(const std::string& line) {
  std::string digits;
  for (const char c : line) {
    if (c != ' ') digits += c;
  }
  const std::optional<Bytes> bytes = FromHex(digits);
  EXPECT_TRUE(bytes.has_value()) << line;
  return bytes.value_or(Bytes());
}

Bytes Packet(const std::string& name) {
  Bytes packet;
  const std::vector<std::string> lines = Blocks("packet")[name];
  for (const std::string& line : lines) {
    const Bytes bytes = BytesOf(line);
    packet.insert(packet.end(), bytes.begin(), bytes.end());
  }
  EXPECT_FALSE(packet.empty()) << name;
  return packet;
}

// A value of the derivation of the sealed packet.
Bytes Value(const std::string& name) {
  const std::vector<std::string> lines = Blocks("values")["sealed-ack"];
  for (const std::string& line : lines) {
    if (line.starts_with(name + " ")) return BytesOf(line.substr(name.size()));
  }
  ADD_FAILURE() << name;
  return {};
}

Incarnation Repeated(uint8_t byte) {
  Incarnation incarnation;
  incarnation.bytes.fill(byte);
  return incarnation;
}

Header HeaderOf(PacketType type, uint32_t sender, uint64_t counter) {
  Header header;
  header.type = static_cast<uint8_t>(type);
  header.sender = MemberId(sender);
  header.group = kGroup;
  header.epoch = {5, MemberId(3)};
  header.view_number = 4;
  header.incarnation = Repeated(static_cast<uint8_t>(sender * 0x11));
  header.counter = counter;
  return header;
}

void ExpectHeader(const Bytes& packet, const Header& expected) {
  const Decoded<Header> header = DecodeHeader(packet);
  ASSERT_TRUE(std::holds_alternative<Header>(header));
  EXPECT_EQ(std::get<Header>(header), expected);
  std::array<uint8_t, kHeaderBytes> encoded;
  Encode(expected, encoded);
  EXPECT_EQ(ToHex(encoded), ToHex(ByteSpan(packet).first(kHeaderBytes)));
}

// The whole packet is this header and this body, in both directions.
template <class T>
void ExpectPacket(const std::string& name, const Header& header, const T& expected,
                  Decoded<T> (*decode)(ByteSpan)) {
  const Bytes packet = Packet(name);
  ExpectHeader(packet, header);
  const ByteSpan body = ByteSpan(packet).subspan(kHeaderBytes);
  const Decoded<T> decoded = decode(body);
  ASSERT_TRUE(std::holds_alternative<T>(decoded)) << name;
  EXPECT_TRUE(std::get<T>(decoded) == expected) << name;
  Bytes buffer(body.size());
  ByteWriter out(buffer);
  Encode(expected, out);
  EXPECT_TRUE(out.ok());
  EXPECT_EQ(ToHex(out.written()), ToHex(body));
}

struct ExpectedRecord {
  StreamId stream = 0;
  int flags = 0;
  Seq seq = 0;
  uint32_t message_bytes = 0;
  std::string payload;
};

void ExpectData(const std::string& name, const Header& header, uint8_t flags, Slot origin,
                const std::vector<ExpectedRecord>& records) {
  const Bytes packet = Packet(name);
  ExpectHeader(packet, header);
  const ByteSpan body = ByteSpan(packet).subspan(kHeaderBytes);
  DataReader reader(body);
  ASSERT_EQ(reader.Check(), std::nullopt);
  EXPECT_EQ(reader.flags(), flags);
  EXPECT_EQ(reader.origin(), origin);
  ASSERT_EQ(reader.count(), records.size());
  Bytes buffer(body.size());
  ByteWriter out(buffer);
  DataWriter writer(out);
  for (const ExpectedRecord& expected : records) {
    const Record record = *reader.Next();
    EXPECT_EQ(record.stream, expected.stream);
    EXPECT_EQ(record.flags, expected.flags);
    EXPECT_EQ(record.seq, expected.seq);
    EXPECT_EQ(record.message_bytes, expected.message_bytes);
    EXPECT_EQ(AsText(record.payload), expected.payload);
    EXPECT_TRUE(writer.Add({.stream = expected.stream,
                            .flags = static_cast<uint8_t>(expected.flags),
                            .seq = expected.seq,
                            .message_bytes = expected.message_bytes,
                            .payload = AsBytes(expected.payload)}));
  }
  writer.Finish(flags, origin);
  EXPECT_EQ(ToHex(out.written()), ToHex(body));
}

MemberInfo Member(uint32_t id, Role role, uint8_t priority, std::string_view unicast) {
  MemberInfo member;
  member.id = MemberId(id);
  member.role = role;
  member.status = MemberStatus::kFull;
  member.voter = true;
  member.priority = priority;
  member.incarnation = Repeated(static_cast<uint8_t>(id * 0x11));
  member.unicast = Endpoint::Parse(unicast).value();
  return member;
}
MemberInfo Manager3() { return Member(3, Role::kManager, 1, "192.0.2.3:4801"); }
MemberInfo Manager7() { return Member(7, Role::kManager, 2, "192.0.2.7:4807"); }
MemberInfo Engine9() {
  MemberInfo member = Member(9, Role::kEngine, 0, "[2001:db8::9]:4809");
  member.mtu = 9000;
  return member;
}

View ViewOf(Epoch epoch, uint32_t number, uint64_t log_number, std::vector<MemberInfo> members) {
  View view;
  view.epoch = epoch;
  view.number = number;
  view.log_number = log_number;
  view.members = std::move(members);
  return view;
}

LogRecord Advance(std::vector<Position> positions) {
  LogRecord record;
  record.positions = std::move(positions);
  return record;
}

LogRecord AbortedRecord12() {
  LogRecord record;
  record.kind = LogRecord::Kind::kAborted;
  record.ranges = {{.slot = 1, .stream = 0, .reason = kAbortRefused, .from = 12, .to = 12}};
  return record;
}

TEST(GoldenTest, DataOfThreeRecords) {
  ExpectData("data-packed", HeaderOf(PacketType::kData, 7, 42), kAckNow, 1,
             {{0, kInit | kNoMore, 11, 5, "hello"},
              {0, kInit | kNoMore | kPrepare, 12, 3, "abc"},
              {5, kInit | kNoMore | kReceived, 1, 0, ""}});
}

TEST(GoldenTest, DataOfTheFirstRecordOfTwo) {
  ExpectData("data-first-of-two", HeaderOf(PacketType::kData, 3, 1000), kRepair, 1,
             {{2, kInit | kReplies | kAllOf, 7, 12, "abcdefgh"}});
}

TEST(GoldenTest, AckPacket) {
  Ack ack;
  ack.log_seen = 20;
  ack.nonce = 0xbeef;
  ack.synced = true;
  ack.positions = {{1, 0, 12}, {1, 5, 1}};
  ack.limits = {{1, 16396}};
  ExpectPacket("ack", HeaderOf(PacketType::kAck, 9, 77), ack, DecodeAck);
}

TEST(GoldenTest, CommitPacket) {
  Commit commit;
  commit.first = 21;
  commit.floor = 18;
  commit.records = {Advance({{0, 0, 4}, {1, 0, 11}}), AbortedRecord12()};
  commit.progress = {{1, 5, 1}};
  commit.limits = {{1, 16390}};
  ExpectPacket("commit", HeaderOf(PacketType::kCommit, 3, 1001), commit, DecodeCommit);
}

TEST(GoldenTest, ResendPacket) {
  Resend resend;
  resend.log_from = 19;
  resend.log_to = 20;
  resend.requests = {{.slot = 1, .stream = 2, .count = 2, .from = 7},
                     {.slot = 0, .stream = 8, .count = 1, .from = 3}};
  ExpectPacket("resend", HeaderOf(PacketType::kResend, 9, 78), resend, DecodeResend);
}

TEST(GoldenTest, HeartbeatPacket) {
  Heartbeat heartbeat;
  heartbeat.log_last = 22;
  heartbeat.log_floor = 18;
  heartbeat.promised = {5, MemberId(3)};
  heartbeat.nonce = 0xbeef;
  heartbeat.ack_requested = true;
  heartbeat.hears_sm = true;
  heartbeat.synced = true;
  heartbeat.tails = {{.stream = 0, .last = 12, .first_kept = 9},
                     {.stream = 5, .last = 1, .first_kept = 2}};
  ExpectPacket("heartbeat", HeaderOf(PacketType::kHeartbeat, 7, 43), heartbeat, DecodeHeartbeat);
}

TEST(GoldenTest, AbortPacket) {
  Ranges ranges;
  ranges.ranges = {{.slot = 1, .stream = 2, .reason = kApplicationReason, .from = 9, .to = 10}};
  ExpectPacket("abort", HeaderOf(PacketType::kAbort, 7, 44), ranges, DecodeRanges);
}

TEST(GoldenTest, ViewPacket) {
  ViewProposal proposal;
  proposal.ballot = {6, MemberId(7)};
  proposal.quorums = {{MemberId(3), MemberId(7), MemberId(9)}};
  proposal.view = ViewOf({6, MemberId(7)}, 5, 24, {Manager7(), Manager3(), Engine9()});
  proposal.log_first = 22;
  proposal.records = {AbortedRecord12(), Advance({{1, 2, 8}})};
  proposal.positions = {{0, 0, 12}, {0, 2, 8}, {0, 5, 1}, {1, 0, 4}};
  ExpectPacket("view", HeaderOf(PacketType::kView, 7, 46), proposal, DecodeViewProposal);
}

TEST(GoldenTest, ReportPacket) {
  Report report;
  report.ballot = {6, MemberId(7)};
  report.promised = {6, MemberId(7)};
  report.status = MemberStatus::kFull;
  report.synced = true;
  report.durable_commit = 15;
  report.log_seen = 22;
  report.self = Engine9();
  report.positions = {{0, 0, 4}, {1, 2, 8}};
  report.records = {AbortedRecord12()};
  report.installed = ViewOf({5, MemberId(3)}, 4, 10, {Manager3(), Manager7(), Engine9()});
  ExpectPacket("report", HeaderOf(PacketType::kReport, 9, 80), report, DecodeReport);
}

TEST(GoldenTest, JoinPacket) {
  Join join;
  join.self = Member(12, Role::kSwitch, 0, "192.0.2.12:4812");
  join.self.status = MemberStatus::kNone;
  join.self.voter = false;
  Header header = HeaderOf(PacketType::kJoin, 12, 1);
  header.epoch = {};
  header.view_number = 0;
  ExpectPacket("join", header, join, DecodeJoin);
}

Header SealedHeader() {
  Header header = HeaderOf(PacketType::kAck, 9, 79);
  header.sealed = true;
  header.key_id = 2;
  return header;
}

TEST(GoldenTest, KeyOfTheSealedPacket) {
  internal::KeyDerivation derivation(Value("group-key"), kGroup);
  const internal::PacketKey key = derivation.Derive(MemberId(9), SealedHeader().incarnation);
  EXPECT_EQ(ToHex(key.aes), ToHex(Value("aes-key")));
  EXPECT_EQ(ToHex(key.salt), ToHex(Value("salt")));
}

TEST(GoldenTest, SealedPacketIsOpened) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(2, Value("group-key")).ok());
  Bytes packet = Packet("sealed-ack");
  ExpectHeader(packet, SealedHeader());
  Opener opener(kGroup, MemberId(3), ring);
  const auto opened = opener.Open(packet);
  ASSERT_TRUE(std::holds_alternative<Opener::Opened>(opened));
  const ByteSpan body = std::get<Opener::Opened>(opened).body;
  EXPECT_EQ(ToHex(body), ToHex(Value("body")));
  Ack ack;
  ack.log_seen = 20;
  ack.nonce = 0xbeef;
  ack.synced = true;
  ack.positions = {{1, 0, 12}};
  EXPECT_TRUE(std::get<Ack>(DecodeAck(body)) == ack);
}

TEST(GoldenTest, SealedPacketIsSealedToTheSameBytes) {
  KeyRing ring;
  ASSERT_TRUE(ring.Add(2, Value("group-key")).ok());
  Sealer sealer(kGroup, ring);
  Bytes packet(kHeaderBytes);
  Encode(HeaderOf(PacketType::kAck, 9, 0), std::span(packet).first<kHeaderBytes>());
  const Bytes body = Value("body");
  packet.insert(packet.end(), body.begin(), body.end());
  packet.resize(packet.size() + kTagBytes);
  const Bytes plain = packet;
  for (int sent = 0; sent < 79; ++sent) {
    packet = plain;
    sealer.Seal(packet);
  }
  EXPECT_EQ(ToHex(packet), ToHex(Packet("sealed-ack")));
}

TEST(GoldenTest, NoPacketOfTheDocumentIsLeftOut) {
  std::string names;
  const auto blocks = Blocks("packet");
  for (const auto& [name, lines] : blocks) names += name + " ";
  EXPECT_EQ(names,
            "abort ack commit data-first-of-two data-packed heartbeat join report resend "
            "sealed-ack view ");
}

}  // namespace
}  // namespace strata::multicast
