#include "service_manager/rpc/site_file.h"

#include <gtest/gtest.h>

#include "common/settings/settings_schema.h"
#include "proto/site.pb.h"

namespace strata::manager {
namespace {

using farm::QueryRules;
using farm::Site;
using std::chrono::minutes;
using std::chrono::seconds;

std::string ErrorOf(const std::string& text) {
  const StatusOr<Site> site = ReadSiteFile("films.yaml", text);
  return site.ok() ? "none" : MessageOf(site.status());
}

TEST(SiteFileTest, ItsSchemaIsSound) {
  EXPECT_TRUE(CheckSettingsSchema(*site::v1::SiteFile::descriptor()).ok());
}

TEST(SiteFileTest, AShortFileIsEnough) {
  const StatusOr<Site> site = ReadSiteFile("films.yaml", R"(
name: films
hosts: [films.example]
origins: [{host: origin.films.example}]
)");
  ASSERT_TRUE(site.ok()) << site.status().ToString();
  Site want;
  want.name = "films";
  want.hosts = {"films.example"};
  want.origins.resize(1);
  want.origins[0].host = "origin.films.example";
  EXPECT_EQ(*site, want);
}

TEST(SiteFileTest, EverythingCanBeSaid) {
  const StatusOr<Site> site = ReadSiteFile("films.yaml", R"(
name: films
hosts: [Films.Example., "[2001:DB8::0:1]"]
origins:
  - host: a.example
    tls: true
  - host: b.example
    port: 8443
    tls: true
    verify: false
    host_header: Films.example
    connect_timeout: 1s
    read_timeout: 10s
query:
  keep: all_but
  names: [utm%5fsource]
  sorted: true
ttl: 1h
negative_ttl: 1min
stale_if_error: 2d
mode: forward
redirect_form: host
minimum_copies: 2
fill_limit: 15min
cors_origins: ["*"]
choice: delegate
)");
  ASSERT_TRUE(site.ok()) << site.status().ToString();
  EXPECT_EQ(site->hosts, (std::vector<std::string>{"films.example", "[2001:db8::1]"}));
  EXPECT_EQ(site->origins[0].port, 443);
  EXPECT_EQ(site->origins[1].port, 8443);
  EXPECT_EQ(site->origins[1].host_header, "films.example");
  EXPECT_FALSE(site->origins[1].verify);
  EXPECT_EQ(site->origins[1].connect_timeout, seconds(1));
  EXPECT_EQ(site->query.keep, QueryRules::Keep::kAllBut);
  EXPECT_EQ(site->query.names, (std::vector<std::string>{"utm_source"}));
  EXPECT_TRUE(site->query.sorted);
  EXPECT_EQ(site->mode, Site::Mode::kForward);
  EXPECT_EQ(site->redirect_form, Site::RedirectForm::kHost);
  EXPECT_EQ(site->minimum_copies, 2u);
  EXPECT_EQ(site->fill_limit, minutes(15));
  EXPECT_EQ(site->choice, Site::Choice::kDelegate);
}

TEST(SiteFileTest, ErrorsOfTheTextNameTheLine) {
  const std::string error = ErrorOf("name: films\nhosts: [a.example]\nttl: 5\nmode: send\n");
  EXPECT_NE(error.find("films.yaml:3:"), std::string::npos) << error;
  EXPECT_NE(error.find("films.yaml:4:"), std::string::npos) << error;
}

TEST(SiteFileTest, ErrorsOfTheValuesNameTheField) {
  EXPECT_EQ(ErrorOf("name: Films\n"),
            "films.yaml: name: \"Films\" is not 1 to 63 of a-z, 0-9 and - inside\n"
            "films.yaml: hosts: there has to be one");
}

}  // namespace
}  // namespace strata::manager
