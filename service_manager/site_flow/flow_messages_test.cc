#include "service_manager/site_flow/flow_messages.h"

#include <gtest/gtest.h>

#include "farm/content_identity.h"
#include "service_manager/site_flow/limits.h"

namespace strata::manager::site_flow {
namespace {

Hello NewHello() {
  return {.child = {.scope = "cdn-one", .level = 3},
          .epoch = 7,
          .held = {{"films", {"exchange", 3, 12}}}};
}

News SiteNews() {
  control::SiteVersion version;
  version.site.name = "films";
  version.site.version = 3;
  version.site.hosts = {"films.example"};
  version.home = "exchange";
  version.yaml = "name: films";
  News news;
  news.site = version;
  return news;
}

News Purges() {
  News news;
  news.purges = PurgeNews{
      .site = "films",
      .entries = {{.purged = {"films", 5, {farm::KeyOf("http://films.example/a")}},
                   .uris = {"http://films.example/a"},
                   .ordered_by = "ann",
                   .at_ms = 9},
                  {.purged = {"films", 6, {}}, .uris = {}, .ordered_by = "restored", .at_ms = 0}}};
  return news;
}

Status Refused(const v1::NewsMessage& message) { return NewsFrom(message).status(); }

TEST(FlowMessagesTest, AHelloComesBack) {
  EXPECT_EQ(*HelloFrom(ToMessage(NewHello())), NewHello());
  EXPECT_EQ(WelcomeFrom(ToWelcome({.scope = "exchange", .level = 4}))->scope, "exchange");
}

TEST(FlowMessagesTest, AnotherProtocolSaysWhoIsToBeUpgraded) {
  v1::FollowerMessage message = ToMessage(NewHello());
  message.mutable_hello()->set_protocol(kSiteFlowProtocol + 1);
  const Status refused = HelloFrom(message).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(refused).find("upgrade the parent"), std::string::npos);
  EXPECT_FALSE(HelloFrom(v1::FollowerMessage()).ok());
  EXPECT_FALSE(WelcomeFrom(v1::NewsMessage()).ok());
}

TEST(FlowMessagesTest, NewsComeBack) {
  const auto site = NewsFrom(ToMessage(SiteNews()));
  ASSERT_TRUE(site.ok() && site->site);
  EXPECT_EQ(site->site->site, SiteNews().site->site);
  EXPECT_EQ(site->site->home, "exchange");
  const auto purges = NewsFrom(ToMessage(Purges()));
  ASSERT_TRUE(purges.ok() && purges->purges);
  ASSERT_EQ(purges->purges->entries.size(), 2U);
  EXPECT_EQ(purges->purges->entries.front().purged, Purges().purges->entries.front().purged);
  EXPECT_TRUE(purges->purges->entries.back().purged.keys.empty());
  News removed;
  removed.removed = "films";
  EXPECT_EQ(NewsFrom(ToMessage(removed))->removed, "films");
}

TEST(FlowMessagesTest, NonsenseIsRefused) {
  EXPECT_FALSE(Refused(v1::NewsMessage()).ok());
  v1::NewsMessage message = ToMessage(SiteNews());
  message.mutable_site()->set_site("films");
  EXPECT_FALSE(Refused(message).ok());
  message = ToMessage(SiteNews());
  message.mutable_site()->set_yaml(std::string(kYamlBytesMax + 1, ' '));
  EXPECT_FALSE(Refused(message).ok());
  message = ToMessage(Purges());
  message.mutable_purges()->mutable_entries(1)->set_position(5);
  EXPECT_FALSE(Refused(message).ok()) << "out of order";
  message = ToMessage(Purges());
  message.mutable_purges()->set_site("../films");
  EXPECT_FALSE(Refused(message).ok());
  message = ToMessage(Purges());
  message.mutable_purges()->mutable_entries(0)->set_uris(0, std::string(1 << 20, 'x'));
  EXPECT_FALSE(Refused(message).ok());
}

TEST(FlowMessagesTest, ReportsComeBack) {
  sites::RowChanges changes;
  changes.scopes = {{.scope = "cdn-one/lan-a", .level = 1, .heard = true, .caught_up = true}};
  changes.rows = {{.site = "films",
                   .scope = "cdn-one/lan-a",
                   .state = {"exchange", 3, 12},
                   .problem = "p",
                   .engines = 4,
                   .serving = 3,
                   .applied = 2,
                   .all_up_to = 11,
                   .behind = {{.name = "e1",
                               .away = true,
                               .closed = true,
                               .version = 2,
                               .applied = 10,
                               .problem_at = 11,
                               .problem = "disk full"}}}};
  changes.gone = {{"songs", "cdn-one"}};
  const sites::RowChanges back = FromProto(ToMessage(changes).report());
  EXPECT_EQ(back.scopes, changes.scopes);
  EXPECT_EQ(back.rows, changes.rows);
  EXPECT_EQ(back.gone, changes.gone);
}

TEST(FlowMessagesTest, PurgesHaveNames) {
  EXPECT_EQ(PurgeId("films", 12), "films@12");
  const auto name = ParsePurgeId("films@12");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->site, "films");
  EXPECT_EQ(name->position, 12U);
  for (const char* other : {"", "films", "films@", "films@0", "@12", "films@x", "fi lms@1"}) {
    EXPECT_FALSE(ParsePurgeId(other).ok()) << other;
  }
}

}  // namespace
}  // namespace strata::manager::site_flow
