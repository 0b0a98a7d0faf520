#include "multicast/tools/dump.h"

#include <gtest/gtest.h>
#include <pcap/dlt.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/hex.h"
#include "multicast/tools/golden_packets.h"

namespace strata::multicast {
namespace {

constexpr char kKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string WriteFile(const std::string& name, ByteSpan bytes) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
  std::ofstream(path, std::ios::binary) << AsText(bytes);
  return path;
}

std::string Dump(const Bytes& capture, Dissector& dissector, const std::string& filter = "") {
  StatusOr<CaptureFile> file = CaptureFile::Open(WriteFile("x.pcap", capture), filter);
  EXPECT_TRUE(file.ok()) << MessageOf(file.status());
  if (!file.ok()) return "";
  std::ostringstream out;
  const Status status = DumpFile(*file, dissector, out);
  EXPECT_TRUE(status.ok()) << MessageOf(status);
  return out.str();
}

Bytes GoldenCapture(bool sealed) {
  std::vector<Bytes> frames;
  for (const GoldenPacket& packet : GoldenPackets()) {
    if (packet.name.starts_with("sealed") == sealed) frames.push_back(EthernetFrame(packet.bytes));
  }
  EXPECT_FALSE(frames.empty());
  return CaptureOf(frames, DLT_EN10MB);
}

std::string Summary(const Dissector& dissector) {
  std::ostringstream out;
  WriteSummary(dissector, out);
  return out.str();
}

TEST(DumpTest, ShowsTheExamplesOfTheSpecificationAsExpected) {
  std::ifstream file("multicast/tools/testdata/golden_dump.txt");
  std::stringstream expected;
  expected << file.rdbuf();
  const KeyRing keys{};
  Dissector dissector({}, keys);
  EXPECT_EQ(Dump(GoldenCapture(false), dissector), expected.str());
  EXPECT_TRUE(dissector.undecoded().empty());
}

TEST(DumpTest, OpensSealedPacketsWithTheKey) {
  KeyRing keys;
  ASSERT_TRUE(keys.Add(2, *FromHex(kKey)).ok());
  Dissector dissector({}, keys);
  EXPECT_EQ(Dump(GoldenCapture(true), dissector),
            "00:00:01.000001 192.0.2.9:4809 9 ACK 5.3/4 #79 log-seen=20 nonce=0000beef synced "
            "held=[1/0:12] limits=[]\n");
}

TEST(DumpTest, SaysThatKeysAreMissing) {
  const KeyRing keys{};
  Dissector dissector({}, keys);
  EXPECT_EQ(Dump(GoldenCapture(true), dissector), "");
  EXPECT_EQ(Summary(dissector),
            "1 datagrams, 0 decoded, 0 lines\n"
            "  1 wrong_security: sealed, and no keys were given; or open, and keys were given\n");
}

TEST(DumpTest, CountsAnotherKeyAsForgedAndAnotherNumberAsUnknown) {
  KeyRing wrong;
  ASSERT_TRUE(wrong.Add(2, Bytes(32)).ok());
  Dissector with_wrong({}, wrong);
  Dump(GoldenCapture(true), with_wrong);
  EXPECT_EQ(with_wrong.undecoded().at("forged"), 1u);
  KeyRing other;
  ASSERT_TRUE(other.Add(3, Bytes(32)).ok());
  Dissector with_other({}, other);
  Dump(GoldenCapture(true), with_other);
  EXPECT_EQ(with_other.undecoded().at("unknown_key"), 1u);
}

TEST(DumpTest, TakesTheFilterOfTheCaptureLibrary) {
  const KeyRing keys{};
  Dissector dissector({}, keys);
  Dump(GoldenCapture(false), dissector, "src host 192.0.2.12");
  EXPECT_EQ(dissector.datagrams(), 1u);
}

TEST(DumpTest, CountsCutFramesAndIgnoresOtherTraffic) {
  Bytes cut = EthernetFrame(GoldenPacketNamed("ack").bytes);
  cut.resize(60);
  Bytes arp(42);
  arp[12] = 0x08;
  arp[13] = 0x06;
  const KeyRing keys{};
  Dissector dissector({}, keys);
  Dump(CaptureOf({cut, arp}, DLT_EN10MB), dissector);
  EXPECT_EQ(dissector.datagrams(), 0u);
  EXPECT_EQ(dissector.undecoded().at("cut"), 1u);
  EXPECT_EQ(dissector.undecoded().size(), 1u);
}

TEST(CaptureFileTest, NamesAFileThatIsNoCapture) {
  const StatusOr<CaptureFile> file = CaptureFile::Open(WriteFile("y", AsBytes("no capture")), "");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(MessageOf(file.status()).find("/y: no capture file"), std::string::npos);
}

TEST(CaptureFileTest, NamesAFileThatIsNotThere) {
  const StatusOr<CaptureFile> file = CaptureFile::Open("/there/is/none", "");
  EXPECT_EQ(file.status().code(), StatusCode::kNotFound);
}

TEST(CaptureFileTest, RefusesALinkThatItDoesNotKnow) {
  const Bytes capture = CaptureOf({}, DLT_IEEE802_11);
  const StatusOr<CaptureFile> file = CaptureFile::Open(WriteFile("z", capture), "");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(MessageOf(file.status()).find("IEEE802_11"), std::string::npos);
}

TEST(CaptureFileTest, TellsWhereAFileBreaksOff) {
  Bytes capture = GoldenCapture(true);
  capture.pop_back();
  StatusOr<CaptureFile> file = CaptureFile::Open(WriteFile("short", capture), "");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->Next().status().code(), StatusCode::kDataLoss);
}

TEST(CaptureFileTest, RefusesAFilterThatIsNone) {
  const StatusOr<CaptureFile> file =
      CaptureFile::Open(WriteFile("f.pcap", GoldenCapture(true)), "no such thing");
  EXPECT_EQ(file.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace strata::multicast
