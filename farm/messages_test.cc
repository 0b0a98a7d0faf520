#include "farm/messages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

#include "common/hex.h"
#include "farm/test_farm.h"

namespace strata::farm {
namespace {

constexpr char kDocument[] = "docs/protocols/farm.md";

EngineInfo EngineSeven() {
  EngineInfo engine;
  engine.id = EngineId(7);
  engine.name = "north-1";
  engine.clients = {{.ip = IpAddress::V4(192, 0, 2, 7), .port = 80}};
  engine.peers = {*Endpoint::Parse("[2001:db8::7]:8080")};
  engine.capacity = {.bandwidth_in = 1'000'000'000,
                     .bandwidth_out = 10'000'000'000,
                     .storage = uint64_t{1} << 40,
                     .memory = uint64_t{1} << 34};
  return engine;
}

Site ASite() {
  Site site;
  site.name = "films";
  site.version = 2;
  site.hosts = {"films.example"};
  return site;
}

// One of each, as section 3 of the document shows them.
std::map<std::string, Message> Examples() {
  Asset asset;
  asset.kind = AssetKind::kCache;
  asset.size = 1'048'576;
  asset.lifetime = std::chrono::seconds(300);
  asset.validator = "\"abc\"";
  const ContentKey key{0x0123456789abcdef, 0xfedcba9876543210};
  const ContentKey gone{1, 2};
  LoadReport report{EngineId(7), 3, {}};
  report.load.sequence = 41;
  report.load.bandwidth_in = 1'000'000;
  report.load.bandwidth_out = 2'000'000;
  report.load.storage_used = 4096;
  report.load.memory_used = 8192;
  report.load.cpu = 0.25;
  report.load.active_requests = 12;
  report.load.parameters = {{"disk", 0.5}};
  return {{"engine registered", EngineRegistered{EngineSeven(), 3}},
          {"engine removed", EngineRemoved{EngineId(7)}},
          {"health changed", HealthChanged{EngineId(7), Health::kDegraded, "slow"}},
          {"drain changed", DrainChanged{EngineId(7), true}},
          {"assets changed", AssetsChanged{EngineId(7), {{key, asset}, {gone, std::nullopt}}}},
          {"inventory begins", InventoryBegins{EngineId(7)}},
          {"inventory ends", InventoryEnds{EngineId(7)}},
          {"load report", report},
          {"site applied", SiteApplied{ASite()}},
          {"site removed", SiteRemoved{"films"}},
          {"purged", Purged{"films", 12, {key}}},
          {"purge applied", PurgeApplied{EngineId(7), "films", 12, 1, ""}},
          {"digest asked", DigestAsked{5}},
          {"digest told", DigestTold{EngineId(7), 5, TableDigest(1, 2)}},
          {"present", Present{}},
          {"site taken", SiteTaken{EngineId(7), "films", 2, ""}},
          {"probed", Probed{EngineId(7), "503"}}};
}

Bytes Encoded(const Message& message) {
  Bytes bytes;
  Encode(message, bytes);
  return bytes;
}

// The document's fenced blocks "```message NAME": hexadecimal, explanations behind #.
std::map<std::string, Bytes> DocumentedBytes() {
  std::map<std::string, Bytes> all;
  std::ifstream document(kDocument);
  EXPECT_TRUE(document.good()) << kDocument;
  std::string digits;
  std::string name;
  const std::string fence = "```message ";
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with(fence)) {
      name = line.substr(fence.size());
      digits.clear();
    } else if (line.starts_with("```")) {
      if (!name.empty()) all[name] = FromHex(digits).value_or(Bytes());
      name.clear();
    } else if (!name.empty()) {
      for (const char c : line.substr(0, line.find('#'))) {
        if (c != ' ') digits += c;
      }
    }
  }
  return all;
}

TEST(MessagesTest, AreTheDocumentsBytes) {
  std::map<std::string, Bytes> documented = DocumentedBytes();
  EXPECT_EQ(documented.size(), Examples().size());
  for (const auto& [name, message] : Examples()) {
    EXPECT_EQ(ToHex(Encoded(message)), ToHex(documented[name])) << name;
  }
}

TEST(MessagesTest, ComeBackAsTheyWere) {
  const std::set<std::string> of_the_whole_farm = {"site applied", "site removed", "purged",
                                                   "digest asked", "present"};
  for (const auto& [name, message] : Examples()) {
    const StatusOr<Message> back = DecodeMessage(Encoded(message));
    ASSERT_TRUE(back.ok()) << name << ": " << back.status().ToString();
    EXPECT_EQ(*back, message) << name;
    const bool of_the_farm = of_the_whole_farm.contains(name);
    EXPECT_EQ(EngineOf(*back), of_the_farm ? EngineId() : EngineId(7)) << name;
  }
}

TEST(MessagesTest, AreRefusedCutOffAndWithMoreBehindThem) {
  for (const auto& [name, message] : Examples()) {
    Bytes bytes = Encoded(message);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DecodeMessage(ByteSpan(bytes.data(), size)).ok()) << name << " " << size;
    }
    bytes.push_back(0);
    EXPECT_FALSE(DecodeMessage(bytes).ok()) << name;
  }
}

// The message `name` with the byte at `at` changed to `value`; the text of the refusal.
std::string Refusal(const std::string& name, size_t at, uint8_t value) {
  Bytes bytes = Encoded(Examples()[name]);
  bytes.at(at) = value;
  const StatusOr<Message> message = DecodeMessage(bytes);
  return message.ok() ? "accepted" : MessageOf(message.status());
}

TEST(MessagesTest, RefusalsNameTheField) {
  EXPECT_EQ(Refusal("drain changed", 0, 2), "field version is not that of its contents");
  EXPECT_EQ(Refusal("drain changed", 0, 3), "field version is none of the known values");
  EXPECT_EQ(Refusal("drain changed", 0, 0), "field version is none of the known values");
  EXPECT_EQ(Refusal("drain changed", 1, 99), "field kind is none of the known values");
  EXPECT_EQ(Refusal("drain changed", 5, 0), "field engine is 0");
  EXPECT_EQ(Refusal("drain changed", 6, 2), "field draining is neither 0 nor 1");
  EXPECT_EQ(Refusal("health changed", 6, 3), "field health is none of the known values");
  EXPECT_EQ(Refusal("health changed", 7, 201), "field reason is too long");
  EXPECT_EQ(Refusal("health changed", 8, '\n'), "field reason has control characters");
  EXPECT_EQ(Refusal("health changed", 8, 0xff), "field reason is not UTF-8");
  EXPECT_EQ(Refusal("assets changed", 6, 0xff), "field changes is above its limit");
  EXPECT_EQ(Refusal("assets changed", 7, 9), "field changes promises more than there is");
  EXPECT_EQ(Refusal("assets changed", 25, 7), "field kind is none of the known values");
  EXPECT_EQ(Refusal("engine registered", 6, 0), "field name is empty");
}

TEST(MessagesTest, ASiteWithTaggedFieldsIsOfTheSecondVersion) {
  Site site = ASite();
  site.choice = Site::Choice::kDirect;
  Bytes bytes = Encoded(SiteApplied{site});
  EXPECT_EQ(bytes[0], 2);
  const StatusOr<Message> back = DecodeMessage(bytes);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(*back, Message(SiteApplied{site}));
  bytes[0] = 1;
  EXPECT_FALSE(DecodeMessage(bytes).ok());
}

TEST(MessagesTest, ParametersStandInOneOrder) {
  LoadReport report{EngineId(1), 1, {}};
  report.load.parameters = {{"a", 0.1}, {"b", 0.2}};
  Bytes bytes = Encoded(report);
  std::swap(bytes.at(bytes.size() - 19), bytes.at(bytes.size() - 9));  // The names.
  EXPECT_FALSE(DecodeMessage(bytes).ok());
}

}  // namespace
}  // namespace strata::farm
