#include "service_engine/core/freshness.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::engine {
namespace {

using std::chrono::seconds;

constexpr int64_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

farm::Site MakeSite() {
  farm::Site site;
  site.ttl = seconds(300);
  site.negative_ttl = seconds(10);
  site.stale_if_error = seconds(3600);
  return site;
}

struct Case {
  const char* what;
  int status;
  HttpFields fields;
  bool authorized;
  int64_t expected;
};

TEST(FreshnessTest, LifetimesFollowTheOriginThenTheSite) {
  const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const std::vector<Case> cases = {
      {"nothing said", 200, {}, false, 300},
      {"a redirect for good", 301, {}, false, 300},
      {"a redirect for now", 302, {}, false, 0},
      {"a redirect for now that may be kept", 302, {{"Cache-Control", "max-age=5"}}, false, 5},
      {"not found", 404, {}, false, 10},
      {"not found, for long", 404, {{"Cache-Control", "max-age=60"}}, false, 60},
      {"a broken origin", 503, {}, false, 10},
      {"a request that was wrong", 400, {}, false, 0},
      {"who are you?", 401, {}, false, 0},
      {"too many requests", 429, {}, false, 0},
      {"a part", 206, {{"Cache-Control", "max-age=60"}}, false, 0},
      {"a renewal", 304, {{"Cache-Control", "max-age=60"}}, false, 60},
      {"a renewal, nothing said", 304, {}, false, 300},
      {"max-age", 200, {{"cache-control", "public, max-age=60"}}, false, 60},
      {"max-age less age", 200, {{"Cache-Control", "max-age=60"}, {"Age", "50"}}, false, 10},
      {"too old", 200, {{"Cache-Control", "max-age=60"}, {"Age", "70"}}, false, 0},
      {"s-maxage wins", 200, {{"Cache-Control", "s-maxage=7, max-age=60"}}, false, 7},
      {"two lines, the shorter",
       200,
       {{"Cache-Control", "max-age=60"}, {"Cache-Control", "max-age=6"}},
       false,
       6},
      {"unreadable", 200, {{"Cache-Control", "max-age=soon"}}, false, 0},
      {"no-store", 200, {{"Cache-Control", "no-store, max-age=60"}}, false, 0},
      {"no-cache", 200, {{"Cache-Control", "No-Cache"}}, false, 0},
      {"private", 200, {{"Cache-Control", "private=\"x\", max-age=60"}}, false, 0},
      {"a quoted word is none", 200, {{"Cache-Control", "x=\"a, no-store\", max-age=6"}}, false, 6},
      {"expires", 200, {{"Expires", "Sun, 06 Nov 1994 08:50:37 GMT"}}, false, 60},
      {"expires, by the origin's clock",
       200,
       {{"Expires", "Sun, 06 Nov 1994 09:49:37 GMT"}, {"Date", "Sun, 06 Nov 1994 09:49:07 GMT"}},
       false,
       30},
      {"expired", 200, {{"Expires", "0"}, {"Date", date}}, false, 0},
      {"max-age before expires", 200, {{"Cache-Control", "max-age=6"}, {"Expires", "0"}}, false, 6},
      {"a cookie", 200, {{"Set-Cookie", "a=b"}}, false, 0},
      {"varies by all", 200, {{"Vary", "Accept, *"}}, false, 0},
      {"varies", 200, {{"Vary", "Accept"}}, false, 300},
      {"for one", 200, {}, true, 0},
      {"for one, but public", 200, {{"Cache-Control", "public, max-age=6"}}, true, 6},
      {"for one, but shared", 200, {{"Cache-Control", "s-maxage=6"}}, true, 6},
      {"for one, revalidated", 200, {{"Cache-Control", "max-age=6, must-revalidate"}}, true, 6},
  };
  for (const Case& c : cases) {
    const Freshness got = FreshnessOf(c.status, c.fields, c.authorized, MakeSite(), kNow);
    EXPECT_EQ(got.seconds, c.expected) << c.what;
  }
}

std::string CacheControl(int status, const std::string& value) {
  HttpFields fields;
  if (!value.empty()) fields.push_back({"Cache-Control", value});
  return FreshnessOf(status, fields, false, MakeSite(), kNow).cache_control;
}

TEST(FreshnessTest, StaleIfErrorIsAddedWhereTheOriginLeavesItOpen) {
  EXPECT_EQ(CacheControl(200, ""), "stale-if-error=3600");
  EXPECT_EQ(CacheControl(200, "max-age=5"), "max-age=5, stale-if-error=3600");
  EXPECT_EQ(CacheControl(200, "max-age=5, stale-if-error=1"), "max-age=5, stale-if-error=1");
  EXPECT_EQ(CacheControl(200, "max-age=5, must-revalidate"), "max-age=5, must-revalidate");
  EXPECT_EQ(CacheControl(200, "no-store"), "no-store");
  EXPECT_EQ(CacheControl(404, ""), "");
}

}  // namespace
}  // namespace strata::engine
