#include "service_engine/app/settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace strata::engine::app {
namespace {

constexpr char kSettings[] = R"(
data_folder: /var/lib/strata
tls: {authority: ca.pem, certificate: certificate.pem, key: key.pem}
lan: {interface: eth0}
managers: ['192.0.2.1:7400']
clients: ['192.0.2.7:80']
peers: ['192.0.2.7:8081']
)";

StatusOr<Settings> Load(const std::string& text) {
  const std::string path = testing::TempDir() + "/engine.yaml";
  std::ofstream(path) << text;
  return LoadEngineSettings(path);
}

TEST(SettingsTest, ServeAloneChangesAtOnceTheRestAtARestart) {
  const StatusOr<Settings> before = Load(kSettings);
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  EXPECT_FALSE(before->light);
  const StatusOr<Settings> alone =
      Load(std::string(kSettings) + "serve_alone: true\nlog_level: debug\n");
  ASSERT_TRUE(alone.ok());
  EXPECT_TRUE(alone->serve_alone);
  EXPECT_EQ(alone->log_level, LogLevel::kDebug);
  EXPECT_TRUE(ChangesAtRestart(*before, *alone).empty());
  const StatusOr<Settings> more =
      Load(std::string(kSettings) + "light: true\ncapacity: {bandwidth_out: 100}\n");
  ASSERT_TRUE(more.ok());
  EXPECT_TRUE(more->light);
  const std::vector<std::string> changes = ChangesAtRestart(*before, *more);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_NE((changes[0] + changes[1]).find("capacity.bandwidth_out"), std::string::npos);
  EXPECT_NE((changes[0] + changes[1]).find("light"), std::string::npos);
}

TEST(SettingsTest, AddressesThatNobodyCanCallAreRefused) {
  std::string text = kSettings;
  text.replace(text.find("192.0.2.7:80'"), 13, "0.0.0.0:80'");
  const StatusOr<Settings> settings = Load(text);
  ASSERT_FALSE(settings.ok());
  EXPECT_NE(MessageOf(settings.status()).find("clients"), std::string::npos);
  EXPECT_NE(MessageOf(settings.status()).find("engine.yaml"), std::string::npos);
}

}  // namespace
}  // namespace strata::engine::app
