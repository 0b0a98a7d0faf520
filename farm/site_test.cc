#include "farm/site.h"

#include <gtest/gtest.h>

#include <optional>

#include "farm/site_table.h"

namespace strata::farm {
namespace {

using std::chrono::minutes;

Site Films() {
  Site site;
  site.name = "films";
  site.version = 3;
  site.hosts = {"films.example", "www.films.example"};
  Origin first;
  first.host = "origin.films.example";
  Origin second;
  second.host = "[2001:db8::1]";
  second.port = 8443;
  second.tls = true;
  second.verify = false;
  second.host_header = "films.example";
  site.origins = {first, second};
  site.query.keep = QueryRules::Keep::kAllBut;
  site.query.names = {"utm_source"};
  site.cors_origins = {"https://player.example:8443"};
  return site;
}

// The one fault of the site, after `change`.
template <class Change>
std::string Fault(const Change& change) {
  Site site = Films();
  change(site);
  const std::vector<std::string> faults = FaultsOf(site);
  if (faults.empty()) return "none";
  return faults.size() == 1 ? faults[0] : std::to_string(faults.size()) + " faults";
}

TEST(SiteTest, AGoodSiteHasNoFaults) { EXPECT_EQ(FaultsOf(Films()), std::vector<std::string>()); }

TEST(SiteTest, FaultsNameTheField) {
  EXPECT_EQ(Fault([](Site& s) { s.name = "Films"; }),
            "name: \"Films\" is not 1 to 63 of a-z, 0-9 and - inside");
  EXPECT_EQ(Fault([](Site& s) { s.hosts.clear(); }), "hosts: there has to be one");
  EXPECT_EQ(Fault([](Site& s) { s.hosts[1] = "WWW.films.example"; }),
            "hosts: \"WWW.films.example\" has to be written www.films.example");
  EXPECT_EQ(Fault([](Site& s) { s.hosts[1] = s.hosts[0]; }),
            "hosts: \"films.example\" is there twice");
  EXPECT_EQ(Fault([](Site& s) { s.origins[1].host = "or igin"; }),
            "origins[1].host: \"or igin\": host: byte 0x20 is not of a host name");
  EXPECT_EQ(Fault([](Site& s) { s.origins[0].port = 0; }), "origins[0].port: is 0");
  EXPECT_EQ(Fault([](Site& s) { s.origins[0].read_timeout = Duration(5); }),
            "origins[0].read_timeout: is not between 100ms and 1h");
  EXPECT_EQ(Fault([](Site& s) { s.query.names.clear(); }), "query.names: there has to be one");
  EXPECT_EQ(Fault([](Site& s) { s.query.keep = QueryRules::Keep::kAll; }),
            "query.names: are for \"only\" and \"all but\"");
  EXPECT_EQ(Fault([](Site& s) { s.query.names = {"%61"}; }),
            "query.names: \"%61\" has to be written a");
  EXPECT_EQ(Fault([](Site& s) { s.cors_origins = {"player.example"}; }),
            "cors_origins: \"player.example\" is neither * nor scheme://host[:port]");
  EXPECT_EQ(Fault([](Site& s) { s.fill_limit = Duration::zero(); }),
            "fill_limit: is not between 1s and 1d");
  EXPECT_EQ(Fault([](Site& s) { s.minimum_copies = 0; }),
            "minimum_copies: is not between 1 and 1000");
}

TEST(SiteTest, AllFaultsAreToldAtOnce) {
  EXPECT_EQ(Fault([](Site& s) {
              s.name.clear();
              s.hosts.clear();
              s.ttl = Duration(-1);
            }),
            "3 faults");
}

TEST(SiteTest, ComesBackFromItsBytes) {
  const Bytes bytes = Encode(Films());
  const StatusOr<Site> site = DecodeSite(bytes);
  ASSERT_TRUE(site.ok()) << site.status().ToString();
  EXPECT_EQ(*site, Films());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSite(ByteSpan(bytes.data(), size)).ok()) << size;
  }
}

// Only who uses a tagged field needs members that know them.
TEST(SiteTest, WithoutTaggedFieldsItHasTheFirstFormat) {
  Site site = Films();
  EXPECT_FALSE(HasTaggedFields(site));
  EXPECT_EQ(Encode(site)[0], 1);
  site.choice = Site::Choice::kDirect;
  EXPECT_TRUE(HasTaggedFields(site));
  EXPECT_EQ(Encode(site)[0], 2);
}

TEST(SiteTest, TaggedFieldsComeBackAndUnknownOnesAreKept) {
  Site site = Films();
  site.choice = Site::Choice::kDelegate;
  site.later_fields = {{200, {1, 2, 3}}, {255, {}}};
  const Bytes bytes = Encode(site);
  const StatusOr<Site> back = DecodeSite(bytes);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(*back, site);
  EXPECT_EQ(Encode(*back), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSite(ByteSpan(bytes.data(), size)).ok()) << size;
  }
}

TEST(SiteTest, TaggedFieldsOutOfOrderOrOfTheWrongSizeAreRefused) {
  Bytes plain = Encode(Films());
  plain[0] = 2;
  const auto refusal = [&plain](const Bytes& fields) {
    Bytes bytes = plain;
    bytes.insert(bytes.end(), fields.begin(), fields.end());
    const StatusOr<Site> site = DecodeSite(bytes);
    return site.ok() ? "accepted" : MessageOf(site.status());
  };
  EXPECT_EQ(refusal({1, 1, 0, 1, 2}), "accepted");
  EXPECT_EQ(refusal({0}), "field fields are none");
  EXPECT_EQ(refusal({33}), "field fields is above its limit");
  EXPECT_EQ(refusal({1, 0, 0, 0}), "field tag is out of order");
  EXPECT_EQ(refusal({2, 200, 0, 0, 200, 0, 0}), "field tag is out of order");
  EXPECT_EQ(refusal({1, 200, 0x40, 1}), "field field is above its limit");
  EXPECT_EQ(refusal({1, 1, 0, 2, 2, 2}), "field end of a field has bytes behind it");
  EXPECT_EQ(refusal({1, 1, 0, 0}), "field choice is cut off or wrong");
  EXPECT_EQ(refusal({1, 1, 0, 1, 3}), "field choice is none of the known values");
  EXPECT_EQ(refusal({1, 1, 0, 1, 0}), "field choice is 0, which is not written");
}

TEST(SiteTest, WithScopesItComesBackToo) {
  Site site = Films();
  const Bytes without = Encode(site);
  site.scopes = {"cdn-one", "cdn-two/dc-one"};
  const Bytes bytes = Encode(site);
  EXPECT_EQ(bytes.front(), 2);
  EXPECT_EQ(*DecodeSite(bytes), site);
  EXPECT_EQ(Encode(ForMembers(site)), without);
  Bytes none = without;
  none.front() = 2;
  none.insert(none.end(), {1, 2, 0, 1, 0});
  EXPECT_FALSE(DecodeSite(none).ok()) << "two ways to say the same";
}

TEST(SiteTest, AsManyScopesAsMayBeHaveRoom) {
  Site site = Films();
  const std::string word(kMaxSiteName, 'a');
  for (size_t i = 0; i < kMaxSiteScopes; ++i) {
    site.scopes.push_back(word + "/" + word + "/" + word + "/scope-" + std::to_string(i));
  }
  EXPECT_EQ(*DecodeSite(Encode(site)), site);
}

TEST(SiteTest, AScopeHasToDoWithWhatCoversItOrLiesInIt) {
  Site site = Films();
  EXPECT_TRUE(MayHold(site, "cdn-nine"));
  site.scopes = {"cdn-one", "cdn-two/dc-one"};
  EXPECT_TRUE(MayHold(site, "cdn-one"));
  EXPECT_TRUE(MayHold(site, "cdn-one/dc-two/lan-a"));
  EXPECT_TRUE(MayHold(site, "cdn-two")) << "it hands it on";
  EXPECT_FALSE(MayHold(site, "cdn-two/dc-two"));
  EXPECT_FALSE(MayHold(site, "cdn-one-more"));
  EXPECT_EQ(Fault([](Site& s) { s.scopes = {"cdn-one/"}; }),
            "scopes: \"cdn-one/\" is no path such as cdn-one/dc-two");
  EXPECT_EQ(Fault([](Site& s) { s.scopes = {"a/b/c/d/e"}; }),
            "scopes: \"a/b/c/d/e\" is no path such as cdn-one/dc-two");
  EXPECT_EQ(Fault([](Site& s) { s.scopes = {"a", "a"}; }), "scopes: \"a\" is there twice");
}

TEST(SiteTest, BytesOfAFaultySiteAreRefused) {
  Site site = Films();
  site.name = "-";
  const StatusOr<Site> back = DecodeSite(Encode(site));
  EXPECT_EQ(MessageOf(back.status()), "site name: \"-\" is not 1 to 63 of a-z, 0-9 and - inside");
}

TEST(SiteTest, DifferencesAreALineAField) {
  Site after = Films();
  after.version = 4;
  EXPECT_TRUE(DifferencesOf(Films(), after).empty());
  after.ttl = minutes(10);
  after.hosts.pop_back();
  after.query = QueryRules();
  after.origins.pop_back();
  after.choice = Site::Choice::kDelegate;
  after.later_fields = {{200, {1, 255}}};
  after.scopes = {"cdn-one"};
  EXPECT_EQ(DifferencesOf(Films(), after),
            (std::vector<std::string>{
                "hosts: films.example, www.films.example -> films.example",
                "origins: http://origin.films.example:80, connect 5s, read 30s; "
                "https://[2001:db8::1]:8443 (certificate not verified) as films.example, connect "
                "5s, read 30s -> http://origin.films.example:80, connect 5s, read 30s",
                "query: all but utm_source -> all", "ttl: 5min -> 10min",
                "choice: as each manager is set -> delegate",
                "fields of a later version: none -> 200=01ff", "scopes: all -> cdn-one"}));
}

TEST(SiteTest, RedirectsKeepHostAndQuery) {
  Site site = Films();
  EXPECT_EQ(RedirectLocation(site, "http", "192.0.2.7:80", "films.example", "/a/b?c=%41"),
            "http://192.0.2.7:80/_s/films.example/a/b?c=%41");
  site.redirect_form = Site::RedirectForm::kHost;
  EXPECT_EQ(RedirectLocation(site, "https", "north-1", "films.example", "/"),
            "https://north-1.films.example/");
}

TEST(SiteTest, AskedUnderAnotherHostThePathBeginsWithIt) {
  EXPECT_EQ(PathAtEngine("films.example", "/a?b"), "/_s/films.example/a?b");
  const std::optional<UriParts> parts = SplitPathAtEngine("/_s/films.example/a?b");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->host, "films.example");
  EXPECT_EQ(parts->target, "/a?b");
  for (const char* other : {"/a", "/_s/", "/_s/films.example", "/_s//a", "/_S/films.example/a"}) {
    EXPECT_FALSE(SplitPathAtEngine(other)) << other;
  }
}

// ---- Tables.

TEST(SiteTableTest, FindsByNameAndByEveryHost) {
  SiteTable table;
  ASSERT_TRUE(table.Apply(Films()).ok());
  EXPECT_EQ(table.Find("films")->version, 3u);
  EXPECT_EQ(table.FindByHost("www.films.example")->name, "films");
  EXPECT_EQ(table.FindByHost("other.example"), nullptr);
}

TEST(SiteTableTest, OnlyANewerVersionTakesTheOldOnesPlace) {
  SiteTable table;
  ASSERT_TRUE(table.Apply(Films()).ok());
  EXPECT_EQ(MessageOf(table.Apply(Films())), "site films: version 3 is not above 3");
  Site newer = Films();
  newer.version = 4;
  newer.hosts = {"films.example"};
  ASSERT_TRUE(table.Apply(newer).ok());
  EXPECT_EQ(table.FindByHost("www.films.example"), nullptr);
  EXPECT_EQ(table.FindByHost("films.example")->version, 4u);
}

TEST(SiteTableTest, AHostBelongsToOneSite) {
  SiteTable table;
  ASSERT_TRUE(table.Apply(Films()).ok());
  Site other = Films();
  other.name = "other";
  EXPECT_EQ(MessageOf(table.Apply(other)), "site other: host films.example belongs to site films");
  EXPECT_EQ(table.Find("other"), nullptr);
}

TEST(SiteTableTest, ACopyKnowsNothingOfTheOriginal) {
  std::optional<SiteTable> original(std::in_place);
  const Site site = Films();
  ASSERT_TRUE(original->Apply(site).ok());
  const SiteTable copy = *original;
  ASSERT_TRUE(original->Remove(site.name).ok());
  original.reset();
  const Site* found = copy.FindByHost(site.hosts.front());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found, copy.Find(site.name));
  EXPECT_EQ(*found, site);
}

TEST(SiteTableTest, ARemovedSiteIsGoneWithItsHosts) {
  SiteTable table;
  ASSERT_TRUE(table.Apply(Films()).ok());
  ASSERT_TRUE(table.Remove("films").ok());
  EXPECT_EQ(table.FindByHost("films.example"), nullptr);
  EXPECT_EQ(MessageOf(table.Remove("films")), "there is no site films");
}

}  // namespace
}  // namespace strata::farm
