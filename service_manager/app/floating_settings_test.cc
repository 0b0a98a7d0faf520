#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "service_manager/app/settings.h"

namespace strata::manager::app {
namespace {

StatusOr<Settings> Load(const std::string& listen, const std::string& floating) {
  const std::string path = testing::TempDir() + "/manager.yaml";
  std::ofstream(path) << "data_folder: /var/lib/strata\n"
                      << "tls: {authority: ca.pem, certificate: c.pem, key: key.pem}\n"
                      << "lan: {interface: eth0, unicast_address: 192.0.2.1}\n"
                      << "group: {detection_timeout: 1500ms}\n"
                      << "http:\n  listen: " << listen << "\n  floating: " << floating << "\n";
  return LoadManagerSettings(path);
}

std::vector<std::string> Texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) texts.push_back(ToString(endpoint));
  return texts;
}

TEST(FloatingSettingsTest, AreListenedOnAtThePortsOfTheOthers) {
  const auto settings = Load("['192.0.2.1:80', '[2001:db8::1]:80', '192.0.2.1:8080']",
                             "{addresses: ['192.0.2.10', '2001:db8::10']}");
  ASSERT_TRUE(settings.ok()) << ToString(settings.status());
  const std::vector<std::string> all = {"192.0.2.10:80", "192.0.2.10:8080", "[2001:db8::10]:80",
                                        "[2001:db8::10]:8080"};
  EXPECT_EQ(Texts(settings->front_end.floating), all);
  EXPECT_EQ(settings->front_end.listen.size(), 3u);
  EXPECT_EQ(settings->floating.interface, "eth0");
  EXPECT_EQ(settings->floating.lifetime, std::chrono::seconds(2)) << "whole seconds";
}

TEST(FloatingSettingsTest, HaveSocketsOfTheirOwnBesideOneForAll) {
  const auto settings =
      Load("['0.0.0.0:80', '[::]:80']", "{addresses: ['192.0.2.10'], interface: eth1}");
  ASSERT_TRUE(settings.ok()) << ToString(settings.status());
  EXPECT_EQ(Texts(settings->front_end.floating), std::vector<std::string>{"192.0.2.10:80"});
  EXPECT_EQ(settings->front_end.listen.size(), 2u);
  EXPECT_EQ(settings->floating.interface, "eth1");
}

TEST(FloatingSettingsTest, OneThatIsListenedOnIsOnlyFloating) {
  const auto settings = Load("['192.0.2.10:80']", "{addresses: ['192.0.2.10']}");
  ASSERT_TRUE(settings.ok()) << ToString(settings.status());
  EXPECT_TRUE(settings->front_end.listen.empty());
  EXPECT_EQ(Texts(settings->front_end.floating), std::vector<std::string>{"192.0.2.10:80"});
}

TEST(FloatingSettingsTest, RefusesWhatCannotFloat) {
  for (const char* address : {"192.0.2.1", "0.0.0.0", "239.1.2.3", "fe80::1", "192.0.2.10/24"}) {
    const auto settings = Load("['192.0.2.1:80']", std::string("{addresses: ['") + address + "']}");
    ASSERT_FALSE(settings.ok()) << address;
    EXPECT_NE(MessageOf(settings.status()).find("addresses"), std::string::npos);
  }
  EXPECT_FALSE(Load("['192.0.2.1:80']", "{addresses: ['192.0.2.10', '192.0.2.10']}").ok());
  EXPECT_FALSE(Load("[]", "{addresses: ['192.0.2.10']}").ok());
}

}  // namespace
}  // namespace strata::manager::app
