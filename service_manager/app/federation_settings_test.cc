#include "service_manager/app/federation_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "service_manager/app/settings.h"

namespace strata::manager::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StatusOr<FederationSettings> Load(const std::string& lines) {
  const std::string path = testing::TempDir() + "/manager.yaml";
  std::ofstream(path) << "data_folder: /var/lib/strata\n"
                      << "tls: {authority: ca.pem, certificate: c.pem, key: key.pem}\n"
                      << "lan: {interface: eth0, unicast_address: 192.0.2.1}\n"
                      << lines << "\n";
  STRATA_ASSIGN_OR_RETURN(const Settings settings, LoadManagerSettings(path));
  return settings.federation;
}

std::string ErrorOf(const std::string& lines) { return MessageOf(Load(lines).status()); }

TEST(FederationSettingsTest, AreThoseOfAFarmByItselfIfNothingIsSaid) {
  const auto settings = Load("");
  ASSERT_TRUE(settings.ok()) << ToString(settings.status());
  EXPECT_EQ(settings->level, 1u);
  EXPECT_TRUE(settings->parents.empty());
  EXPECT_TRUE(settings->policy.rules.empty());
  EXPECT_EQ(settings->forget_after, std::chrono::hours(24));
  EXPECT_FALSE(settings->choice.delegate);
}

TEST(FederationSettingsTest, NameParentsAndRules) {
  const auto settings = Load(
      "level: 2\n"
      "parent: {managers: ['192.0.2.7:7400', '[2001:db8::7]:7400']}\n"
      "children: {delegate: true, stale_after: 5s, forget_after: 1h}\n"
      "forwarding:\n"
      "  batching_delay: 50ms\n"
      "  rules:\n"
      "    - {site: films, kind: library, forward: full}\n"
      "    - {uri_prefix: 'http://films.example/new/', forward: scope}\n"
      "    - {kind: cache, forward: none}\n");
  ASSERT_TRUE(settings.ok()) << ToString(settings.status());
  EXPECT_EQ(settings->level, 2u);
  EXPECT_THAT(settings->parents, ElementsAre("192.0.2.7:7400", "[2001:db8::7]:7400"));
  EXPECT_EQ(settings->policy.batching_delay, std::chrono::milliseconds(50));
  using federation::Forward;
  using federation::ForwardingRule;
  EXPECT_THAT(
      settings->policy.rules,
      ElementsAre(
          ForwardingRule{
              .site = "films", .kind = farm::AssetKind::kLibrary, .forward = Forward::kFull},
          ForwardingRule{.uri_prefix = "http://films.example/new/", .forward = Forward::kScope},
          ForwardingRule{.kind = farm::AssetKind::kCache, .forward = Forward::kNone}));
  EXPECT_TRUE(settings->choice.delegate);
  EXPECT_EQ(settings->choice.stale_after, std::chrono::seconds(5));
  EXPECT_EQ(settings->forget_after, std::chrono::hours(1));
}

TEST(FederationSettingsTest, SayWhichKeyIsWrong) {
  const std::string parent = "parent: {managers: ['192.0.2.7:7400']}\n";
  EXPECT_THAT(ErrorOf("level: 5"), HasSubstr("level"));
  EXPECT_THAT(ErrorOf("level: 4\n" + parent), HasSubstr("nothing is above level 4"));
  EXPECT_THAT(ErrorOf("parent: {managers: [seven]}"), HasSubstr("parent.managers: \"seven\""));
  EXPECT_THAT(ErrorOf("forwarding: {rules: [{forward: none}]}"), HasSubstr("no parent"));
  EXPECT_THAT(ErrorOf(parent + "forwarding: {rules: [{forward: full}, {forward: some}]}"),
              HasSubstr("forwarding.rules[1].forward"));
  EXPECT_THAT(ErrorOf(parent + "forwarding: {rules: [{forward: summary}]}"),
              HasSubstr("not supported"));
  EXPECT_THAT(ErrorOf(parent + "forwarding: {rules: [{forward: none}, {forward: full}]}"),
              HasSubstr("forwarding: rule 2"));
}

}  // namespace
}  // namespace strata::manager::app
