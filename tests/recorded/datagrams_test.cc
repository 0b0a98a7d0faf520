#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "farm/messages.h"
#include "multicast/tools/capture_file.h"
#include "multicast/tools/dissector.h"
#include "multicast/tools/dump.h"
#include "multicast/tools/frame.h"
#include "multicast/tools/train.h"
#include "multicast/wire/data.h"
#include "multicast/wire/header.h"

// What members of farms of earlier versions said: real datagrams, and what group_dump of their
// version said of them.

namespace strata::multicast {
namespace {

constexpr char kRoot[] = "tests/recorded";

std::vector<std::string> Recordings() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot)) {
    if (std::filesystem::exists(entry.path() / "datagrams.pcap")) {
      folders.push_back(entry.path().string());
    }
  }
  return folders;
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every datagram of a recording, as it was on the wire; trains are taken apart.
std::vector<Bytes> DatagramsOf(const std::string& folder) {
  std::vector<Bytes> all;
  auto file = CaptureFile::Open(folder + "/datagrams.pcap", "");
  EXPECT_TRUE(file.ok());
  while (file.ok()) {
    const auto frame = file->Next();
    if (!frame.ok() || !*frame) break;
    const auto found = FindUdp(file->link_type(), (*frame)->bytes);
    const auto* datagram = std::get_if<UdpDatagram>(&found);
    if (datagram == nullptr) continue;
    ByteSpan left = datagram->payload;
    const size_t segment = TrainSegment(left);
    while (!left.empty()) {
      const ByteSpan one = left.first(std::min(segment, left.size()));
      all.emplace_back(one.begin(), one.end());
      left = left.subspan(one.size());
    }
  }
  return all;
}

// The messages of the farm in a datagram, those that fit into one record.
std::vector<Bytes> MessagesIn(ByteSpan datagram) {
  std::vector<Bytes> messages;
  const auto header = DecodeHeader(datagram);
  if (!std::holds_alternative<Header>(header) ||
      std::get<Header>(header).type != static_cast<uint8_t>(PacketType::kData)) {
    return messages;
  }
  DataReader reader(datagram.subspan(kHeaderBytes));
  EXPECT_FALSE(reader.Check().has_value());
  while (const auto record = reader.Next()) {
    const uint8_t whole = kInit | kNoMore;
    if ((record->flags & whole) != whole || record->payload.empty()) continue;
    messages.emplace_back(record->payload.begin(), record->payload.end());
  }
  return messages;
}

TEST(RecordedDatagramsTest, AreReadAsTheyWere) {
  ASSERT_FALSE(Recordings().empty());
  for (const std::string& folder : Recordings()) {
    auto file = CaptureFile::Open(folder + "/datagrams.pcap", "");
    ASSERT_TRUE(file.ok()) << folder;
    DissectorOptions options;
    options.show_undecoded = true;
    const KeyRing keys;
    Dissector dissector(options, keys);
    std::ostringstream out;
    ASSERT_TRUE(DumpFile(*file, dissector, out).ok());
    EXPECT_EQ(out.str(), TextOf(folder + "/datagrams.txt")) << folder;
    EXPECT_TRUE(dissector.undecoded().empty()) << folder;
    EXPECT_GT(dissector.decoded(), 20u) << folder;
  }
}

TEST(RecordedDatagramsTest, OfAVersionThatIsNotKnownAreRefused) {
  for (const std::string& folder : Recordings()) {
    for (Bytes datagram : DatagramsOf(folder)) {
      datagram[1] = kProtocolVersion + 1;
      const auto header = DecodeHeader(datagram);
      ASSERT_TRUE(std::holds_alternative<DecodeError>(header));
      EXPECT_EQ(std::get<DecodeError>(header), DecodeError::kBadVersion);
    }
  }
}

TEST(RecordedMessagesTest, AreReadAndWrittenAsTheyWere) {
  for (const std::string& folder : Recordings()) {
    std::set<size_t> kinds;
    for (const Bytes& datagram : DatagramsOf(folder)) {
      for (Bytes& bytes : MessagesIn(datagram)) {
        const StatusOr<farm::Message> message = farm::DecodeMessage(bytes);
        ASSERT_TRUE(message.ok()) << folder << ": " << MessageOf(message.status());
        kinds.insert(message->index());
        Bytes again;
        Encode(*message, again);
        EXPECT_EQ(again, bytes) << folder;
        bytes[0] = farm::kMessageVersion + 1;
        EXPECT_TRUE(farm::IsOfLaterVersion(bytes));
        EXPECT_FALSE(farm::DecodeMessage(bytes).ok());
      }
    }
    EXPECT_GE(kinds.size(), 12u) << folder;
  }
}

}  // namespace
}  // namespace strata::multicast
