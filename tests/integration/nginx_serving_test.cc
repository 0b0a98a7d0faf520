#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "service_engine/adapters/nginx/nginx_adapter.h"
#include "tests/integration/nginx_case.h"

// What a managed nginx serves: forms, fills, peers, libraries.

namespace strata::engine {
namespace {

namespace fs = std::filesystem;

class NginxServingTest : public NginxCase {};

// ---- Requests.

TEST_F(NginxServingTest, AMissIsFilledOnceAndThenServedWithoutTheAgent) {
  StartWith({Films()});
  Fill("/film.mp4?t=1", "a film");
  const size_t asked = agent_->Requests().size();
  const Fetched hit = Fetch("/film.mp4?t=1");
  EXPECT_EQ(hit.status, 200);
  EXPECT_EQ(hit.body, "a film");
  EXPECT_EQ(agent_->Requests().size(), asked);
  EXPECT_EQ(hit.head.find("Strata-"), std::string::npos) << hit.head;
  const auto asset = adapter_->Find(Key("/film.mp4?t=1"));
  ASSERT_TRUE(asset.has_value());
  EXPECT_EQ(asset->size, 6u);
  EXPECT_EQ(asset->validator, "\"v1\"");
  EXPECT_EQ(adapter_->UriOf(Key("/film.mp4?t=1")), Uri("/film.mp4?t=1"));
}

TEST_F(NginxServingTest, TheAgentLearnsWhoAsksForWhatAndInWhichForm) {
  StartWith({Films()});
  Fetch("/a%20b?x=%41", {.host = "WWW.films.example:8080", .headers = "Strata-Form: peer\r\n"});
  Fetch("/a", {.host = "north-1.films.example"});
  Fetch("/_s/www.films.example/b?c", {.host = "127.0.0.1"});
  Fetch("/_s/films.example/c", {.host = "x", .port = kPeers});
  Fetch("/_f/films.example/d", {.host = "x", .port = kPeers});
  const auto misses = agent_->Requests("/miss");
  ASSERT_EQ(misses.size(), 5u) << ErrorLog();
  EXPECT_EQ(misses[0].Header("strata-form"), "direct");
  EXPECT_EQ(misses[0].Header("strata-site"), "films.example");
  EXPECT_EQ(misses[0].Header("strata-target"), "/a%20b?x=%41");
  EXPECT_EQ(misses[0].Header("strata-host"), "WWW.films.example:8080");
  EXPECT_EQ(misses[0].Header("strata-client"), "127.0.0.1");
  EXPECT_EQ(misses[0].Header("strata-scheme"), "http");
  EXPECT_EQ(misses[1].Header("strata-form"), "redirected");
  EXPECT_EQ(misses[2].Header("strata-form"), "redirected");
  EXPECT_EQ(misses[2].Header("strata-target"), "/b?c");
  EXPECT_EQ(misses[3].Header("strata-form"), "peer");
  EXPECT_EQ(misses[4].Header("strata-form"), "peer-fill");
  EXPECT_EQ(misses[4].Header("strata-target"), "/d");
}

TEST_F(NginxServingTest, AllFormsShareOneCopyAndPeersGetItToo) {
  StartWith({Films()});
  Fill("/film", "a film");
  const size_t asked = agent_->Requests().size();
  EXPECT_EQ(Fetch("/film", {.host = "north-1.www.films.example"}).body, "a film");
  EXPECT_EQ(Fetch("/_s/films.example/film", {.host = "127.0.0.1"}).body, "a film");
  EXPECT_EQ(Fetch("/_s/films.example/film", {.port = kPeers}).body, "a film");
  EXPECT_EQ(Fetch("/_f/films.example/film", {.port = kPeers}).body, "a film");
  EXPECT_EQ(agent_->Requests().size(), asked);
  EXPECT_EQ(Fetch("/_s/films.example/other", {.port = kPeers}).status, 504);
}

TEST_F(NginxServingTest, HostsOfNoSiteAreNotFoundAndCounted) {
  StartWith({Films()});
  EXPECT_EQ(Fetch("/", {.host = "other.example"}).status, 404);
  EXPECT_EQ(Fetch("/_s/other.example/", {.host = "127.0.0.1"}).status, 404);
  EXPECT_EQ(Fetch("/film", {.port = kPeers}).status, 404);
  EXPECT_EQ(Fetch("/_strata/fill").status, 404);
  EXPECT_EQ(Fetch("/_strata/status").status, 404);
  EXPECT_TRUE(agent_->Requests().empty());
  EXPECT_TRUE(Eventually([this] { return Metric("strata_engine_no_site_total") >= 3; }));
}

TEST_F(NginxServingTest, TheProbeNamesTheEngine) {
  StartWith({Films()});
  EXPECT_EQ(Fetch("/_strata/probe", {.host = "127.0.0.1"}).body, "north-1\n");
  EXPECT_TRUE(adapter_->PeerProbe({IpAddress::V4(127, 0, 0, 1), kClients, 0}).ok());
  EXPECT_FALSE(adapter_->PeerProbe({IpAddress::V4(127, 0, 0, 1), 9, 0}).ok());
}

TEST_F(NginxServingTest, OtherMethodsReachTheAgentAsTheyAre) {
  StartWith({Films()});
  WriteFile(folder_ / "library/films/form", "a form");
  AwaitHeld("/form");
  const std::string big(300000, 'x');
  EXPECT_EQ(Fetch("/form", {.method = "POST", .body = big}).body, "POST " + big);
  EXPECT_EQ(Fetch("/_s/films.example/form", {.method = "PUT", .body = "it"}).body, "PUT it");
}

TEST_F(NginxServingTest, RangesHeadAndConditionsAreNginxs) {
  StartWith({Films()});
  FakeAgent::Content content;
  content.body = "0123456789";
  agent_->Set(Uri("/film"), content);
  const Fetched first = Fetch("/film", {.headers = "Range: bytes=2-4\r\n"});
  EXPECT_EQ(first.status, 206);
  EXPECT_EQ(first.body, "234");
  AwaitHeld("/film");
  EXPECT_EQ(adapter_->Find(Key("/film"))->size, 10u);
  EXPECT_EQ(Fetch("/film", {.headers = "Range: bytes=-2\r\n"}).body, "89");
  EXPECT_EQ(Fetch("/film", {.headers = "If-None-Match: \"v1\"\r\n"}).status, 304);
  const Fetched head = Fetch("/film", {.method = "HEAD"});
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(Says(head, "Content-Length: 10"));
  EXPECT_TRUE(head.body.empty());
  agent_->Set(Uri("/second"), content);
  EXPECT_TRUE(Says(Fetch("/second", {.method = "HEAD"}), "Content-Length: 10"));
  AwaitHeld("/second");
  EXPECT_EQ(Fetch("/second").body, "0123456789");
}

TEST_F(NginxServingTest, WhatTheAgentAnswersItselfIsHandedOnAndNotKept) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    answer.status = request.Header("strata-target") == "/moved" ? 302 : 503;
    answer.headers = {{"Location", "http://south-1.films.example/moved"},
                      {"Cache-Control", "max-age=100"}};
    return true;
  });
  const Fetched moved = Fetch("/moved");
  EXPECT_EQ(moved.status, 302);
  EXPECT_TRUE(Says(moved, "Location: http://south-1.films.example/moved"));
  EXPECT_EQ(Fetch("/moved").status, 302);
  EXPECT_EQ(Fetch("/sorry").status, 503);
  EXPECT_EQ(agent_->Requests().size(), 3u);
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(NginxServingTest, APeerThatDoesNotHaveItLeadsBackToTheAgent) {
  StartWith({Films()});
  Fill("/film", "a film");
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path != "/miss" || request.Header("strata-form") == "peer") return false;
    const std::string tried = request.Header("strata-tried");
    // First one where nobody listens, then one who does not have it, then one who does.
    const bool third = tried == "127.0.0.1:9,127.0.0.1:8081";
    answer.headers = {{"X-Accel-Redirect", "/_strata/peer"},
                      {"Strata-Peer", tried.empty() ? "127.0.0.1:9" : "127.0.0.1:8081"},
                      {"Strata-Target", third ? "/_s/films.example/film" : "/_s/films.example/no"}};
    return true;
  });
  const size_t files = CacheFiles().size();
  const Fetched fetched = Fetch("/other");
  EXPECT_EQ(fetched.status, 200) << ErrorLog();
  EXPECT_EQ(fetched.body, "a film");
  EXPECT_EQ(CacheFiles().size(), files);
  EXPECT_EQ(Fetch("/other", {.headers = "Range: bytes=0-0\r\n"}).body, "a");
  EXPECT_EQ(Fetch("/_s/films.example/other", {.host = "127.0.0.1"}).body, "a film");
}

TEST_F(NginxServingTest, AJoinIsStreamedAndNotKept) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path == "/miss") {
      answer.headers = {{"X-Accel-Redirect", "/_strata/join"}, {"Strata-Fill", "77"}};
    } else {
      answer.body = request.path + " " + request.Header("strata-fill");
      answer.headers = {{"X-Accel-Expires", "100"}};
    }
    return true;
  });
  EXPECT_EQ(Fetch("/film").body, "/join 77");
  EXPECT_EQ(Fetch("/film", {.headers = "Range: bytes=1-4\r\n"}).body, "join");
  EXPECT_TRUE(CacheFiles().empty());
}

TEST_F(NginxServingTest, AnExpiredCopyIsRenewedInPlace) {
  StartWith({Films()});
  FakeAgent::Content content;
  content.body = "a film";
  content.lifetime_seconds = 1;
  agent_->Set(Uri("/film"), content);
  EXPECT_EQ(Fetch("/film").body, "a film");
  AwaitHeld("/film");
  EXPECT_LE(adapter_->Find(Key("/film"))->lifetime, std::chrono::seconds(2));
  content.lifetime_seconds = 500;
  agent_->Set(Uri("/film"), content);
  adapter_->TakeChanges(100);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(Fetch("/film").body, "a film");
    return adapter_->Find(Key("/film"))->lifetime > std::chrono::seconds(100);
  }));
  const auto fills = agent_->Requests("/fill");
  ASSERT_EQ(fills.size(), 2u);
  EXPECT_EQ(fills[1].Header("if-none-match"), "\"v1\"");
  EXPECT_EQ(adapter_->TakeChanges(100).size(), 1u);
}

TEST_F(NginxServingTest, ABodyCutShortIsNoCopy) {
  StartWith({Films()});
  agent_->SetHandler([](const FakeAgent::Request& request, FakeAgent::Answer& answer) {
    if (request.path != "/fill") return false;
    answer.headers = {{"X-Accel-Expires", "100"}};
    answer.body = std::string(100000, 'x');
    answer.cut = 50000;
    return true;
  });
  EXPECT_LT(Fetch("/film").body.size(), 100000u);
  agent_->SetHandler(nullptr);
  Fill("/other", "x");
  EXPECT_FALSE(Holds("/film"));
  EXPECT_EQ(CacheFiles().size(), 1u);
}

TEST_F(NginxServingTest, CorsIsAddedWhereTheSiteSaysSo) {
  farm::Site site = Films();
  site.cors_origins = {"https://player.example"};
  farm::Site other;
  other.name = "other";
  other.version = 1;
  other.hosts = {"other.example"};
  StartWith({site, other});
  Fill("/film", "a film");
  const std::string player = "Origin: https://player.example\r\n";
  const Fetched allowed = Fetch("/film", {.headers = player});
  EXPECT_TRUE(Says(allowed, "Access-Control-Allow-Origin: https://player.example"));
  EXPECT_TRUE(Says(allowed, "Vary: Origin"));
  const Fetched foreign = Fetch("/film", {.headers = "Origin: https://evil.example\r\n"});
  EXPECT_EQ(foreign.head.find("Access-Control"), std::string::npos);
  const Fetched preflight = Fetch(
      "/film", {.headers = player + "Access-Control-Request-Method: GET\r\n", .method = "OPTIONS"});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(Says(preflight, "Access-Control-Allow-Origin: https://player.example"));
  agent_->SetHandler([](const FakeAgent::Request&, FakeAgent::Answer& answer) {
    answer.headers = {{"Access-Control-Allow-Origin", "https://own.example"}};
    return true;
  });
  EXPECT_TRUE(Says(Fetch("/x", {.host = "other.example"}),
                   "Access-Control-Allow-Origin: https://own.example"));
  const Fetched once = Fetch("/x", {.headers = player});
  EXPECT_EQ(once.head.find("own.example"), std::string::npos);
}

// ---- Libraries.

TEST_F(NginxServingTest, ALibraryIsServedAndTold) {
  WriteFile(folder_ / "library/films/a/film one+two.txt", "from the library");
  WriteFile(folder_ / "library/films/.hidden", "secret");
  WriteFile(folder_ / "library/films/.git/config", "secret");
  WriteFile(folder_ / "outside.txt", "secret");
  fs::create_symlink(folder_ / "outside.txt", folder_ / "library/films/link");
  StartWith({Films()});
  EXPECT_TRUE(Holds("/a/film%20one+two.txt"));
  const auto asset = adapter_->Find(Key("/a/film%20one+two.txt"));
  ASSERT_TRUE(asset.has_value());
  EXPECT_EQ(asset->kind, farm::AssetKind::kLibrary);
  EXPECT_EQ(asset->size, 16u);
  const Fetched served = Fetch("/a/film%20one+two.txt");
  EXPECT_EQ(served.body, "from the library");
  EXPECT_TRUE(Says(served, "ETag: " + asset->validator)) << served.head;
  EXPECT_TRUE(Says(served, "Content-Type: text/plain"));
  EXPECT_EQ(Fetch("/_s/films.example/a/film%20one+two.txt", {.port = kPeers}).body,
            "from the library");
  EXPECT_EQ(Fetch("/_strata/library/films/a/film%20one+two.txt").status, 404);
  EXPECT_EQ(Fetch("/%5fs/films.example/a/film%20one+two.txt", {.host = "127.0.0.1"}).status, 404);
  EXPECT_TRUE(agent_->Requests().empty());
  // A query counts at this site; an escaped + is another content; hidden names and links are none.
  for (const char* target :
       {"/a/film%20one+two.txt?x", "/a/film%20one%2Btwo.txt", "/.hidden", "/.git/config", "/link",
        "//a/film%20one+two.txt", "/a%2Ffilm%20one+two.txt", "/a", "/a/"}) {
    EXPECT_EQ(Fetch(target).status, 404) << target;
    EXPECT_EQ(Fetch("/_s/films.example" + std::string(target), {.host = "127.0.0.1"}).status, 404)
        << target;
  }
  EXPECT_EQ(agent_->Requests("/miss").size(), 9u);  // That there is none is cached for both forms.
}

TEST_F(NginxServingTest, WhereTheQueryDoesNotCountALibraryAnswersAnyway) {
  farm::Site site = Films();
  site.query.keep = farm::QueryRules::Keep::kNone;
  WriteFile(folder_ / "library/films/film", "from the library");
  StartWith({site});
  EXPECT_EQ(Fetch("/film?x=%2F").body, "from the library");
}

TEST_F(NginxServingTest, LibraryFilesCountWhenTheyAreWhole) {
  StartWith({Films()});
  WriteFile(folder_ / "library/films/first", "1");  // The library's folder is new, too.
  AwaitHeld("/first");
  EXPECT_TRUE(Eventually([] { return Fetch("/first").body == "1"; })) << ErrorLog();
  std::ofstream slow(folder_ / "library/films/slow");
  slow << "half of it" << std::flush;
  WriteFile(folder_ / "library/films/second", "2");
  AwaitHeld("/second");
  EXPECT_FALSE(Holds("/slow"));
  slow.close();
  AwaitHeld("/slow");
  std::ofstream again(folder_ / "library/films/slow");
  again << "more" << std::flush;
  AwaitGone("/slow");
  again.close();
  AwaitHeld("/slow");
  EXPECT_EQ(adapter_->Find(Key("/slow"))->size, 4u);
  WriteFile(folder_ / "aside", "renamed here");
  fs::rename(folder_ / "aside", folder_ / "library/films/slow");
  EXPECT_TRUE(Eventually([&] { return adapter_->Find(Key("/slow"))->size == 12; }));
  fs::remove(folder_ / "library/films/slow");
  AwaitGone("/slow");
}

TEST_F(NginxServingTest, LibraryFoldersComeAndGoAsAWhole) {
  WriteFile(folder_ / "library/films/keep", "k");
  StartWith({Films()});
  WriteFile(folder_ / "aside/x/1", "1");
  WriteFile(folder_ / "aside/x/y/2", "2");
  fs::rename(folder_ / "aside", folder_ / "library/films/moved");
  AwaitHeld("/moved/x/y/2");
  AwaitHeld("/moved/x/1");
  fs::rename(folder_ / "library/films/moved/x", folder_ / "library/films/x");
  AwaitHeld("/x/y/2");
  AwaitGone("/moved/x/y/2");
  WriteFile(folder_ / "library/films/x/y/3", "3");
  AwaitHeld("/x/y/3");
  fs::rename(folder_ / "library/films/x", folder_ / "away");
  AwaitGone("/x/y/3");
  WriteFile(folder_ / "away/y/4", "4");
  fs::remove_all(folder_ / "library/films");
  AwaitGone("/keep");
  EXPECT_FALSE(Holds("/x/y/4"));
}

}  // namespace
}  // namespace strata::engine

int main(int argc, char** argv) { return strata::engine::RunInPrivateNetwork(argc, argv); }
