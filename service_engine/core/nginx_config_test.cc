#include "service_engine/core/nginx_config.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace strata::engine {
namespace {

farm::Site Films() {
  farm::Site site;
  site.name = "films";
  site.version = 1;
  site.hosts = {"films.example", "www.films.example"};
  return site;
}

NginxConfig Config() {
  NginxConfig config;
  config.generation = 7;
  config.engine = "north-1";
  config.clients = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")};
  config.peers = {*Endpoint::Parse("192.0.2.1:8080")};
  config.folder = "/var/lib/strata/nginx";
  config.cache_folder = "/var/lib/strata/cache";
  config.temp_folder = "/var/lib/strata/temp";
  config.library_folder = "/srv/library";
  config.log_folder = "/var/log/strata";
  config.agent_socket = "/run/strata/agent.sock";
  config.status_socket = "/run/strata/status.sock";
  config.sites = {Films()};
  return config;
}

std::string Text(const NginxConfig& config) {
  const StatusOr<std::string> text = RenderNginxConfig(config);
  EXPECT_TRUE(text.ok()) << MessageOf(text.status());
  return text.ok() ? *text : "";
}

std::string Refusal(const NginxConfig& config) {
  const StatusOr<std::string> text = RenderNginxConfig(config);
  return text.ok() ? "accepted" : MessageOf(text.status());
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

bool Has(const std::string& text, const std::string& what) { return Count(text, what) > 0; }

TEST(NginxConfigTest, NoPlaceIsLeftEmpty) {
  NginxConfig config = Config();
  config.libraries = {"films"};
  config.sites[0].cors_origins = {"https://player.example"};
  const std::string text = Text(config);
  for (const char* name :
       {"@site@", "@log@", "@location@", "@file@", "@listen@", "@internal@", "@settings@", "@cors@",
        "@wait@", "@entries@", "@target@", "@exact@", "@formats@", "@forms@", "@path_sites@"}) {
    EXPECT_FALSE(Has(text, name)) << name;
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '{'), std::count(text.begin(), text.end(), '}'));
  EXPECT_EQ(text, Text(config));
}

TEST(NginxConfigTest, EverySiteListensWhereClientsComeAndPeersHaveTheirOwn) {
  const std::string text = Text(Config());
  EXPECT_EQ(Count(text, "listen 192.0.2.1:80 default_server"), 1u);
  EXPECT_EQ(Count(text, "listen 192.0.2.1:80;"), 1u);
  EXPECT_EQ(Count(text, "listen [2001:db8::1]:80;"), 1u);
  EXPECT_EQ(Count(text, "listen 192.0.2.1:8080 default_server"), 1u);
}

TEST(NginxConfigTest, FormsHaveTheirEntries) {
  const std::string text = Text(Config());
  EXPECT_TRUE(Has(text, "\"north-1.films.example\" redirected;"));
  EXPECT_TRUE(Has(text, "location ^~ \"/_s/films.example/\""));
  EXPECT_TRUE(Has(text, "location ^~ \"/_s/www.films.example/\""));
  EXPECT_TRUE(Has(text, "location ^~ \"/_f/films.example/\""));
  EXPECT_TRUE(Has(text, "proxy_pass http://strata_agent/miss?;"));
}

TEST(NginxConfigTest, AHostThatIsASitesOwnIsNoRedirectedFormOfAnother) {
  NginxConfig config = Config();
  config.sites.push_back(Films());
  config.sites[1].name = "other";
  config.sites[1].hosts = {"north-1.films.example"};
  const std::string text = Text(config);
  EXPECT_FALSE(Has(text, "\"north-1.films.example\" redirected;"));
  EXPECT_TRUE(Has(text, "server_name \"north-1.films.example\" \"north-1.north-1.films.example\""));
}

// A hit pays for each of them.
TEST(NginxConfigTest, ASiteWithoutALibraryHasNothingToRewriteOnItsWayToTheCache) {
  const std::string text = Text(Config());
  EXPECT_EQ(Count(text, "rewrite ^"), Count(text, "location @strata_again"));
  EXPECT_FALSE(Has(text, "set $strata_site"));
  EXPECT_FALSE(Has(text, "if ("));
}

TEST(NginxConfigTest, EachRequestIsLoggedOnceWithItsSiteAsText) {
  const std::string text = Text(Config());
  EXPECT_TRUE(Has(text, "log_format strata_host_films escape=default 'films\thost\t"));
  EXPECT_TRUE(Has(text, "log_format strata_path_films escape=default 'films\tpath\t"));
  EXPECT_EQ(Count(text, "access_log \"/var/log/strata/requests.log\""),
            Count(text, "access_log \""));
  NginxConfig config = Config();
  config.closed = true;
  EXPECT_TRUE(Has(Text(config), "log_format strata_host_films escape=default '-\thost\t"));
}

TEST(NginxConfigTest, LibrariesAreLookedIntoOnlyWhereThereAreSome) {
  NginxConfig config = Config();
  EXPECT_FALSE(Has(Text(config), "/srv/library"));
  config.libraries = {"films"};
  EXPECT_TRUE(Has(Text(config), "if (-f \"/srv/library/films$strata_host_file_plain\")"));
  EXPECT_TRUE(Has(Text(config), "if (-f \"/srv/library/films$strata_path_file_plain\")"));
  config.sites[0].query.keep = farm::QueryRules::Keep::kNone;
  EXPECT_TRUE(Has(Text(config), "if (-f \"/srv/library/films$strata_host_file_any\")"));
}

// nginx takes quotes for such only around a whole argument, else it has no effect.
TEST(NginxConfigTest, LinksAreRefusedBelowASitesFolderOnly) {
  NginxConfig config = Config();
  config.libraries = {"films"};
  const std::string text = Text(config);
  EXPECT_TRUE(Has(text, "disable_symlinks on \"from=/srv/library/films\";"));
  EXPECT_FALSE(Has(text, "from=\""));
}

TEST(NginxConfigTest, WaitsLongerThanTheLongestFill) {
  NginxConfig config = Config();
  config.sites[0].fill_limit = std::chrono::minutes(20);
  EXPECT_TRUE(Has(Text(config), "proxy_read_timeout 1210s;"));
}

TEST(NginxConfigTest, CorsIsBySite) {
  NginxConfig config = Config();
  EXPECT_FALSE(Has(Text(config), "Access-Control"));
  config.sites[0].cors_origins = {"https://Player.example", "https://player.example"};
  const std::string text = Text(config);
  EXPECT_EQ(Count(text, "\"films.example https://player.example\" $http_origin;"), 1u);
  EXPECT_TRUE(Has(text, "\"films.example\" Origin;"));
  // After a redirect a browser names no origin; who was not redirected has to name his.
  EXPECT_EQ(Count(text, "\"films.example null\" $http_origin;"), 1u);
  config.sites[0].mode = farm::Site::Mode::kForward;
  EXPECT_FALSE(Has(Text(config), "films.example null"));
  config.sites[0].cors_origins = {"*"};
  EXPECT_TRUE(Has(Text(config), "\"films.example\" \"*\";"));
}

TEST(NginxConfigTest, NothingThatASiteSaysBecomesConfiguration) {
  for (const char* evil : {"a;b", "a\"b", "a$b", "a b", "a{b", "a\nb", "a\\b", "a'b", "A"}) {
    NginxConfig config = Config();
    config.sites[0].hosts = {evil};
    EXPECT_NE(Refusal(config), "accepted") << evil;
    config = Config();
    config.sites[0].name = evil;
    EXPECT_NE(Refusal(config), "accepted") << evil;
    config = Config();
    config.sites[0].cors_origins = {std::string("https://") + evil + "/"};
    EXPECT_NE(Refusal(config), "accepted") << evil;
    config = Config();
    config.engine = evil;
    EXPECT_NE(Refusal(config), "accepted") << evil;
  }
}

TEST(NginxConfigTest, SaysWhatCannotBeWritten) {
  NginxConfig config = Config();
  config.cache_folder = "cache";
  EXPECT_EQ(Refusal(config), "cache folder: \"cache\" is no absolute path");
  config = Config();
  config.log_folder = "/var/$log";
  EXPECT_NE(Refusal(config).find("has a character"), std::string::npos);
  config = Config();
  config.clients.clear();
  EXPECT_EQ(Refusal(config), "there is no endpoint for clients");
  config = Config();
  config.peers = config.clients;
  EXPECT_EQ(Refusal(config), "192.0.2.1:80 is there twice");
  config = Config();
  config.clients[0].port = 0;
  EXPECT_EQ(Refusal(config), "192.0.2.1:0: port 0");
  config = Config();
  config.engine = "north.one";
  EXPECT_NE(Refusal(config).find("no label"), std::string::npos);
  config = Config();
  config.sites.push_back(Films());
  EXPECT_EQ(Refusal(config), "site films is there twice");
  config.sites[1].name = "other";
  EXPECT_EQ(Refusal(config), "host films.example is of two sites");
  config = Config();
  config.operator_log_format = "$remote_addr'; evil";
  EXPECT_NE(Refusal(config).find("log format"), std::string::npos);
}

TEST(NginxConfigTest, AClosedEngineAnswersNobody) {
  NginxConfig config = Config();
  const StatusOr<std::string> open = RenderNginxConfig(config);
  config.closed = true;
  const StatusOr<std::string> closed = RenderNginxConfig(config);
  ASSERT_TRUE(open.ok() && closed.ok());
  const auto count = [](const std::string& text) {
    size_t n = 0;
    for (size_t at = 0; (at = text.find("return 503;", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  EXPECT_EQ(count(*open), 0u);
  // The default server, the peers' and one a site.
  EXPECT_EQ(count(*closed), 2 + config.sites.size());
}

}  // namespace
}  // namespace strata::engine
