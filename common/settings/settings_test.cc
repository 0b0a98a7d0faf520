#include "common/settings/settings.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/settings/settings_test.pb.h"
#include "common/yaml_tree.h"

namespace strata {
namespace {

using testing::BadSettings;
using testing::TestSettings;

TestSettings Loaded(std::string_view yaml) {
  TestSettings settings;
  const Status status = LoadSettings("test.yaml", yaml, &settings);
  EXPECT_TRUE(status.ok()) << MessageOf(status);
  return settings;
}

std::string Errors(std::string_view yaml) {
  TestSettings settings;
  const Status status = LoadSettings("test.yaml", yaml, &settings);
  EXPECT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument);
  return MessageOf(status);
}

// Errors of a file that is complete otherwise, without the name of the file.
std::string ErrorOf(std::string_view yaml) {
  std::string text = Errors("name: x\n" + std::string(yaml));
  const std::string prefix = "test.yaml:";
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  return text;
}

TEST(LoadSettingsTest, FillsEveryKindOfField) {
  const TestSettings s = Loaded(R"(
name: edge-1
port: 9000
multicast:
  tick: 200us
  buffer: 1.5MiB
  loss: 0.25
  pace: 2
  checked: false
  forwarding: full
  group: "[ff02::1%2]:4000"
  source: 192.0.2.1
  lag: 0
  fixed: 3
  offset: -7
  serial: 18446744073709551615
tls: {certificate: /etc/chain.pem, key: /etc/key.pem}
sites:
  - host: a.example
    children: [{host: b.example, ttl: 5s}]
  - host: no
labels: {rack: 7, "a b": c}
aliases:
  www: {host: a.example}
switches: {1: true, -2: false}
weights: [1, 100]
order: [summary, full]
)");
  EXPECT_EQ(s.name(), "edge-1");
  EXPECT_EQ(s.port(), 9000);
  EXPECT_EQ(s.multicast().tick(), 200'000);
  EXPECT_EQ(s.multicast().buffer(), 1572864u);
  EXPECT_EQ(s.multicast().loss(), 0.25);
  EXPECT_EQ(s.multicast().pace(), 2.0f);
  EXPECT_FALSE(s.multicast().checked());
  EXPECT_EQ(s.multicast().forwarding(), testing::FORWARDING_FULL);
  EXPECT_EQ(s.multicast().group(), "[ff02::1%2]:4000");
  EXPECT_EQ(s.multicast().source(), "192.0.2.1");
  EXPECT_TRUE(s.multicast().has_lag());
  EXPECT_EQ(s.multicast().quorum_case(), testing::MulticastSettings::kFixed);
  EXPECT_EQ(s.multicast().fixed(), 3u);
  EXPECT_EQ(s.multicast().offset(), -7);
  EXPECT_EQ(s.multicast().serial(), UINT64_MAX);
  EXPECT_EQ(s.tls().certificate(), "/etc/chain.pem");
  ASSERT_EQ(s.sites_size(), 2);
  EXPECT_EQ(s.sites(0).children(0).host(), "b.example");
  EXPECT_EQ(s.sites(0).children(0).ttl(), 5'000'000'000);
  EXPECT_EQ(s.sites(1).host(), "no");  // A text, not a bool.
  EXPECT_EQ(s.labels().at("rack"), "7");
  EXPECT_EQ(s.labels().at("a b"), "c");
  EXPECT_EQ(s.aliases().at("www").host(), "a.example");
  EXPECT_TRUE(s.switches().at(1));
  EXPECT_FALSE(s.switches().at(-2));
  EXPECT_EQ(s.weights_size(), 2);
  EXPECT_EQ(s.weights(1), 100u);
  EXPECT_EQ(s.order(0), testing::FORWARDING_SUMMARY);
  EXPECT_EQ(s.order(1), testing::FORWARDING_FULL);
}

TEST(LoadSettingsTest, FillsInDefaultsAlsoInSectionsLeftOut) {
  const TestSettings s = Loaded("name: x\nsites: [{host: h}]\n");
  EXPECT_EQ(s.port(), 8080);
  EXPECT_EQ(s.multicast().tick(), 1'000'000);
  EXPECT_EQ(s.multicast().buffer(), 16u << 20);
  EXPECT_EQ(s.multicast().pace(), 0.5f);
  EXPECT_TRUE(s.multicast().checked());
  EXPECT_EQ(s.multicast().forwarding(), testing::FORWARDING_SCOPE);
  EXPECT_EQ(s.multicast().group(), "239.0.0.1:4000");
  EXPECT_EQ(s.sites(0).ttl(), 3'600'000'000'000);
  EXPECT_FALSE(s.multicast().has_lag());
  EXPECT_EQ(s.multicast().quorum_case(), testing::MulticastSettings::QUORUM_NOT_SET);
  EXPECT_FALSE(s.has_tls());
}

TEST(LoadSettingsTest, TakesAnEmptySectionOrListForOneWithoutKeys) {
  const TestSettings s = Loaded("name: x\nmulticast:\nsites:\nlabels:\n");
  EXPECT_EQ(s.multicast().tick(), 1'000'000);
  EXPECT_EQ(s.sites_size(), 0);
}

TEST(LoadSettingsTest, ReplacesWhatTheMessageHeld) {
  TestSettings settings;
  settings.add_weights(5);
  settings.set_port(1);
  ASSERT_TRUE(LoadSettings("test.yaml", "name: x\n", &settings).ok());
  EXPECT_EQ(settings.weights_size(), 0);
  EXPECT_EQ(settings.port(), 8080);
}

TEST(LoadSettingsTest, LeavesTheMessageAloneOnAnyError) {
  TestSettings settings;
  settings.set_port(1);
  EXPECT_FALSE(LoadSettings("test.yaml", "name: x\nport: 9000\nbad: 1\n", &settings).ok());
  EXPECT_EQ(settings.port(), 1);
  EXPECT_EQ(settings.name(), "");
}

TEST(LoadSettingsTest, TellsEverythingThatIsWrongInTheOrderOfTheFile) {
  EXPECT_EQ(
      Errors(R"(port: 70000
multicats:
  tick: 1ms
multicast:
  tick: 5
  forwarding: "scop"
  loss: [1]
  buffer:
  majority: true
  fixed: 2
  tick: 7ms
tls:
  key: k
sites: {host: x}
weights:
- 1
- 101
- "7"
aliases:
  www: h
switches: {on: true}
labels: [a]
)"),
      "test.yaml:1:1: name: missing and required, expected a text of at most 4096 bytes\n"
      "test.yaml:1:7: port: found \"70000\", expected an integer from 1 to 65535\n"
      "test.yaml:2:1: multicats: unknown key, did you mean \"multicast\"?\n"
      "test.yaml:5:9: multicast.tick: found \"5\", expected a duration (such as \"200us\" or "
      "\"5s\") from 100us to 1s\n"
      "test.yaml:6:15: multicast.forwarding: found the quoted text \"scop\", expected one of "
      "full, scope, summary\n"
      "test.yaml:7:9: multicast.loss: found a list, expected a number from 0 to 1\n"
      "test.yaml:8:3: multicast.buffer: found nothing, expected a size (such as \"64KiB\" or "
      "\"1.5GiB\") of at least 64KiB\n"
      "test.yaml:10:3: multicast.fixed: cannot be given together with \"majority\"\n"
      "test.yaml:11:3: key given twice, first in line 5\n"
      "test.yaml:13:3: tls.certificate: missing and required, expected a text of at most 4096 "
      "bytes\n"
      "test.yaml:14:8: sites: found a section, expected a list\n"
      "test.yaml:17:3: weights[1]: found \"101\", expected an integer from 1 to 100\n"
      "test.yaml:18:3: weights[2]: found the quoted text \"7\", expected an integer from 1 to "
      "100\n"
      "test.yaml:20:8: aliases.www: found \"h\", expected a section\n"
      "test.yaml:21:12: switches: found the key \"on\", expected an integer from -2147483648 to "
      "2147483647\n"
      "test.yaml:22:9: labels: found a list, expected a section");
}

TEST(LoadSettingsTest, NamesWhatAnEmptyFileLacks) {
  EXPECT_EQ(Errors(""),
            "test.yaml: name: missing and required, expected a text of at most 4096 bytes");
}

TEST(LoadSettingsTest, ReportsAFileThatIsNoSection) {
  EXPECT_EQ(Errors("- a\n"), "test.yaml:1:1: found a list, expected a section");
  EXPECT_EQ(Errors("a"), "test.yaml:1:1: found \"a\", expected a section");
}

TEST(LoadSettingsTest, ReportsBrokenYaml) {
  EXPECT_EQ(ErrorOf("port: [\n"), "3:1: broken YAML: end of sequence flow not found");
  EXPECT_EQ(ErrorOf("labels: {a: \"x}\n"), "3:1: broken YAML: a quote is still open here");
}

TEST(LoadSettingsTest, SuggestsNothingForAKeyUnlikeAnyOther) {
  EXPECT_EQ(ErrorOf("colour: red\n"), "2:1: colour: unknown key");
  EXPECT_EQ(ErrorOf("multicast: {tikc: 1ms}\n"),
            "2:13: multicast.tikc: unknown key, did you mean \"tick\"?");
}

TEST(LoadSettingsTest, QuotesOddKeysAndCutsLongTexts) {
  EXPECT_EQ(ErrorOf("\"a\\nb\": 1\n"), "2:1: [\"a\\nb\"]: unknown key");
  EXPECT_EQ(
      ErrorOf("port: " + std::string(1000, 'x') + "\n"),
      "2:7: port: found \"" + std::string(60, 'x') + "...\", expected an integer from 1 to 65535");
  EXPECT_LT(ErrorOf(std::string(1000, 'k') + ": 1\n").size(), 200u);
  // Not in the middle of a character.
  std::string umlauts;
  while (umlauts.size() < 200) umlauts += "\xc3\xbc";
  EXPECT_NE(ErrorOf("port: x" + umlauts + "\n").find("\xc3\xbc...\""), std::string::npos);
}

TEST(LoadSettingsTest, CountsTheErrorsBeyondItsLimit) {
  std::string yaml = "weights:\n";
  for (size_t i = 0; i < kSettingsErrorsMax + 7; ++i) yaml += "- 0\n";
  const std::string text = ErrorOf(yaml);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kSettingsErrorsMax);
  EXPECT_TRUE(text.ends_with("\ntest.yaml: and 7 more errors")) << text;
}

TEST(LoadSettingsTest, UsesAliases) {
  const TestSettings s = Loaded("name: x\nsites: [&a {host: h}, *a]\naliases: {www: *a}\n");
  EXPECT_EQ(s.sites(1).host(), "h");
  EXPECT_EQ(s.aliases().at("www").host(), "h");
}

TEST(LoadSettingsTest, RefusesATooDeepFile) {
  std::string yaml = "sites: ";
  for (int i = 0; i < 20; ++i) yaml += "[{host: h, children: ";
  EXPECT_NE(ErrorOf(yaml).find("nested deeper than 32 levels"), std::string::npos);
}

TEST(LoadSettingsTest, RefusesToWorkFromAnUnsoundSchema) {
  BadSettings::EmptyRange settings;
  const Status status = LoadSettings("test.yaml", "x: 1\n", &settings);
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_EQ(MessageOf(status), "strata.testing.BadSettings.EmptyRange.x: min is above max");
}

TEST(LoadSettingsFileTest, ReadsAFileAndNamesItInErrors) {
  const std::string path = ::testing::TempDir() + "/settings.yaml";
  std::ofstream(path) << "name: x\nport: 0\n";
  TestSettings settings;
  EXPECT_EQ(MessageOf(LoadSettingsFile(path, &settings)),
            path + ":2:7: port: found \"0\", expected an integer from 1 to 65535");
  std::ofstream(path) << "name: x\nport: 1\n";
  EXPECT_TRUE(LoadSettingsFile(path, &settings).ok());
  EXPECT_EQ(settings.port(), 1);
}

TEST(LoadSettingsFileTest, RefusesMissingAndHugeFiles) {
  TestSettings settings;
  EXPECT_EQ(LoadSettingsFile("/nowhere/x.yaml", &settings).code(), StatusCode::kNotFound);
  const std::string path = ::testing::TempDir() + "/huge.yaml";
  std::ofstream(path) << std::string(kYamlBytesMax + 1, '\n');
  EXPECT_EQ(LoadSettingsFile(path, &settings).code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace strata
