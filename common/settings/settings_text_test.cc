#include "common/settings/settings_text.h"

#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "common/settings/settings.h"
#include "common/settings/settings_test.pb.h"
#include "common/status.h"
#include "gtest/gtest.h"

namespace strata {
namespace {

using testing::TestSettings;

TestSettings Loaded(const std::string& text) {
  TestSettings settings;
  const Status status = LoadSettings("test.yaml", text, &settings);
  EXPECT_TRUE(status.ok()) << MessageOf(status) << "\n" << text;
  return settings;
}

TEST(SettingsTextTest, LeavesOutWhatTheFileCouldLeaveOut) {
  EXPECT_EQ(SettingsText(Loaded("name: one\nport: 8080\nmulticast: {tick: 1ms}\n")), "name: one\n");
  EXPECT_EQ(SettingsText(Loaded("name: one\nport: 8081\nmulticast: {tick: 1500us, pace: 0}\n")),
            "name: one\nport: 8081\nmulticast:\n  tick: 1500us\n  pace: 0\n");
}

TEST(SettingsTextTest, WritesAsPeopleDo) {
  const std::string text =
      "name: one\n"
      "multicast:\n"
      "  buffer: 64KiB\n"
      "  checked: false\n"
      "  forwarding: full\n"
      "  group: \"[ff15::1]:4000\"\n"
      "  lag: 0ms\n"
      "  fixed: 3\n"
      "tls:\n"
      "  certificate: /etc/strata/a.pem\n"
      "  key: key.pem\n"
      "sites:\n"
      "  - host: films.example\n"
      "    ttl: 5min\n"
      "    children:\n"
      "      - host: a\n"
      "      - host: b\n"
      "labels:\n"
      "  \"a b\": \"say \\\"so\\\"\\n\"\n"
      "  rack: \"7: left\"\n"
      "aliases:\n"
      "  old:\n"
      "    host: old.example\n"
      "switches:\n"
      "  5: true\n"
      "weights: [1, 2, 100]\n"
      "order: [scope, full]\n";
  std::string written = SettingsText(Loaded(text));
  const size_t lag = written.find("  lag: 0");
  ASSERT_NE(lag, std::string::npos) << written;
  written.replace(lag, written.find('\n', lag) - lag, "  lag: 0ms");
  EXPECT_EQ(written, text);
}

TEST(SettingsTextTest, IsReadAsTheSame) {
  for (const std::string name : {"\"\"", "'null'", "\"~\"", "'5'", "\"true\"", "'- x'", "'#'",
                                 "\"a\\tb\\x01\\x7f\"", "'ä, ö'", "'{a}'", "\"\\\\\"", "' x '"}) {
    const TestSettings settings = Loaded("name: " + name +
                                         "\nmulticast: {loss: 0.1, serial: 0, "
                                         "offset: -9223372036854775808, pace: 1e-7}\n");
    const TestSettings again = Loaded(SettingsText(settings));
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(settings, again))
        << SettingsText(settings);
  }
}

TEST(SettingsTextTest, DefaultsAreThoseOfAFileWithoutAnything) {
  TestSettings filled;
  FillSettingsDefaults(&filled);
  filled.set_name("one");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(filled, Loaded("name: one\n")));
}

}  // namespace
}  // namespace strata
