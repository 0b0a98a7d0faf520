#include "service_engine/core/proxy_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::engine {
namespace {

const ProxyIdentity kIdentity{.name = "one", .loop_token = "strata-farm"};
const ProxiedClient kWho{.address = "192.0.2.1", .scheme = "https", .host = "films.example"};

TEST(ProxyFieldsTest, ALoopIsSeen) {
  EXPECT_FALSE(HasLooped({}, "strata-farm"));
  EXPECT_FALSE(HasLooped({{"CDN-Loop", "other, strata-farm2"}}, "strata-farm"));
  EXPECT_TRUE(HasLooped({{"cdn-loop", "other, STRATA-farm; v=1"}}, "strata-farm"));
  EXPECT_TRUE(HasLooped({{"CDN-Loop", "a"}, {"CDN-Loop", "strata-farm"}}, "strata-farm"));
}

TEST(ProxyFieldsTest, AListWithoutEndIsALoop) {
  std::string list = "a";
  for (int i = 0; i < 40; ++i) list += ", a";
  EXPECT_TRUE(HasLooped({{"CDN-Loop", list}}, "strata-farm"));
}

TEST(ProxyFieldsTest, OriginsGetWhatIsMeantForThem) {
  const HttpFields client = {{"Host", "x"},
                             {"Accept", "a/b"},
                             {"Connection", "X-Hop"},
                             {"X-Hop", "1"},
                             {"Keep-Alive", "5"},
                             {"Strata-Site", "x"},
                             {"Content-Length", "5"},
                             {"Transfer-Encoding", "chunked"},
                             {"Via", "1.1 before"},
                             {"CDN-Loop", "other"},
                             {"X-Forwarded-For", "10.0.0.1"},
                             {"X-Forwarded-Proto", "ftp"}};
  EXPECT_EQ(OriginRequestFields(client, kWho, kIdentity),
            (HttpFields{{"Accept", "a/b"},
                        {"X-Forwarded-For", "10.0.0.1, 192.0.2.1"},
                        {"X-Forwarded-Proto", "https"},
                        {"X-Forwarded-Host", "films.example"},
                        {"Via", "1.1 before, 1.1 one"},
                        {"CDN-Loop", "other, strata-farm"}}));
}

TEST(ProxyFieldsTest, AFillAsksForTheWhole) {
  const HttpFields all = {{"Range", "bytes=1-"},  {"If-Range", "x"},
                          {"If-Match", "x"},      {"If-Unmodified-Since", "x"},
                          {"If-None-Match", "x"}, {"If-Modified-Since", "x"},
                          {"Accept", "a/b"}};
  HttpFields fields = all;
  MakeWhole(fields, true);
  EXPECT_EQ(fields,
            (HttpFields{{"If-None-Match", "x"}, {"If-Modified-Since", "x"}, {"Accept", "a/b"}}));
  fields = all;
  MakeWhole(fields, false);
  EXPECT_EQ(fields, (HttpFields{{"Accept", "a/b"}}));
}

TEST(ProxyFieldsTest, OriginsCommandNobody) {
  const HttpFields origin = {
      {"ETag", "x"},          {"x-accel-redirect", "/_strata/peer"}, {"X-Accel-Expires", "1"},
      {"Strata-Key", "x"},    {"Connection", "close, X-Hop"},        {"X-Hop", "1"},
      {"Content-Length", "5"}};
  EXPECT_EQ(AnswerFields(origin), (HttpFields{{"ETag", "x"}}));
}

TEST(ProxyFieldsTest, VariantsAgreeInWhatTheAnswerNames) {
  const auto names = VaryNames({{"Vary", "Cookie, Accept"}, {"vary", "accept"}});
  EXPECT_EQ(names, (std::vector<std::string>{"accept", "cookie"}));
  const HttpFields one = {{"Accept", "a"}, {"Other", "1"}};
  EXPECT_TRUE(Agree(one, {{"accept", "a"}, {"Other", "2"}}, names));
  EXPECT_FALSE(Agree(one, {{"Accept", "b"}}, names));
  EXPECT_FALSE(Agree(one, {{"Accept", "a"}, {"Cookie", "c"}}, names));
  EXPECT_FALSE(Agree(one, one, {"*"}));
}

TEST(ProxyFieldsTest, TheHostIsTheOriginsElseTheSites) {
  farm::Site site;
  site.hosts = {"films.example"};
  farm::Origin origin;
  origin.host = "origin.example";
  EXPECT_EQ(HostFor(site, origin), "films.example");
  origin.host_header = "other.example";
  EXPECT_EQ(HostFor(site, origin), "other.example");
}

}  // namespace
}  // namespace strata::engine
