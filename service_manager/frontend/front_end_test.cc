#include "service_manager/frontend/front_end.h"

#include <gtest/gtest.h>

#include <set>

#include "service_manager/frontend/front_end_fixture.h"

namespace strata::manager::frontend::testing {
namespace {

constexpr const char* kGetFilm = "GET /a.mp4?x HTTP/1.1\r\nHost: films.example\r\n\r\n";

// ---- Redirects.

TEST_F(FrontEndTest, RedirectsToTheHolder) {
  AddEngine(2, *Endpoint::Parse("192.0.2.2:8080"));
  Hold("http://films.example/a.mp4?x", 2);
  Start();
  const HttpMessage answer = Ask(kGetFilm);
  EXPECT_EQ(answer.StartLine(), "HTTP/1.1 302 Found");
  EXPECT_EQ(answer.Field("Location"), "http://192.0.2.2:8080/_s/films.example/a.mp4?x");
  EXPECT_EQ(answer.Field("Cache-Control"), "no-store");
  EXPECT_EQ(answer.Field("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(answer.Field("Content-Length"), "0");
  EXPECT_EQ(answer.Field("Date").size(), 29u);
  EXPECT_EQ(answer.Field("Connection"), "");
  EXPECT_EQ(Ended("redirected"), 1);
}

TEST_F(FrontEndTest, KeepsTheMethodOfOtherRequests) {
  Start();
  const HttpMessage answer =
      Ask("POST /a HTTP/1.1\r\nHost: films.example\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(answer.StartLine(), "HTTP/1.1 307 Temporary Redirect");
  EXPECT_EQ(answer.Field("Connection"), "close");
  EXPECT_EQ(Ask("HEAD /a HTTP/1.1\r\nHost: films.example\r\n\r\n").StartLine(),
            "HTTP/1.1 302 Found");
}

TEST_F(FrontEndTest, UsesTheNewestSnapshot) {
  Start();
  HttpConnection connection = Connect();
  connection.Send(kGetFilm);
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 302 Found");
  engines_[0].card.status = farm::EngineStatus::kDown;
  Publish();
  connection.Send(kGetFilm);
  const auto answer = connection.Receive();
  EXPECT_EQ(answer->StartLine(), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(answer->Field("Retry-After"), "5");
}

TEST_F(FrontEndTest, BeforeTheFirstSnapshotItIsNotReady) {
  Start();
  front_end_->Publish(std::shared_ptr<const routing::RoutingSnapshot>());
  EXPECT_EQ(Ask(kGetFilm).StartLine(), "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(Ended("not_ready"), 1);
}

TEST_F(FrontEndTest, ServesBothFamiliesOnSeveralThreads) {
  options_.listen.push_back(*Endpoint::Parse("[::1]:0"));
  options_.threads = 3;
  AddEngine(2, *Endpoint::Parse("[2001:db8::2]:80"));
  engines_[0].clients.push_back(*Endpoint::Parse("[2001:db8::1]:80"));
  Hold("http://films.example/a.mp4?x", 1);
  Start();
  for (int i = 0; i < 20; ++i) {
    HttpConnection v4 = Connect(0);
    v4.Send(kGetFilm);
    EXPECT_EQ(v4.Receive()->Field("Location"), "http://192.0.2.1/_s/films.example/a.mp4?x");
    HttpConnection v6 = Connect(1);
    v6.Send(kGetFilm);
    EXPECT_EQ(v6.Receive()->Field("Location"), "http://[2001:db8::1]/_s/films.example/a.mp4?x");
  }
}

// ---- Connections.

TEST_F(FrontEndTest, AnswersPipelinedRequestsInOrder) {
  Start();
  HttpConnection connection = Connect();
  std::string requests;
  constexpr int kRequests = 2000;  // More than fit into a buffer, and their answers too.
  for (int i = 0; i < kRequests; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: films.example\r\n\r\n";
  }
  std::thread sender([&] { EXPECT_TRUE(connection.Send(requests)); });
  for (int i = 0; i < kRequests; ++i) {
    const auto answer = connection.Receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->Field("Location"), "http://192.0.2.1/_s/films.example/" + std::to_string(i));
  }
  sender.join();
  EXPECT_EQ(Count("strata_frontend_connections_total"), 1);
}

TEST_F(FrontEndTest, TakesARequestInPieces) {
  Start();
  HttpConnection connection = Connect();
  for (const char c : std::string("\r\n") + kGetFilm) {
    ASSERT_TRUE(connection.Send({&c, 1}));
  }
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 302 Found");
}

TEST_F(FrontEndTest, EndsAConnectionAsTheClientWishes) {
  Start();
  HttpConnection closing = Connect();
  closing.Send("GET / HTTP/1.1\r\nHost: films.example\r\nConnection: close\r\n\r\n");
  EXPECT_NE(closing.ReceiveToEnd().find("Connection: close"), std::string::npos);
  HttpConnection old = Connect();
  old.Send("GET / HTTP/1.0\r\nHost: films.example\r\n\r\n");
  EXPECT_TRUE(old.ReceiveToEnd().starts_with("HTTP/1.1 302"));
  HttpConnection keeping = Connect();
  for (int i = 0; i < 2; ++i) {
    keeping.Send("GET / HTTP/1.0\r\nHost: films.example\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.Receive()->Field("Connection"), "keep-alive");
  }
}

TEST_F(FrontEndTest, EndsAConnectionAfterSoManyRequests) {
  options_.requests_per_connection = 2;
  Start();
  HttpConnection connection = Connect();
  connection.Send(std::string(kGetFilm) + kGetFilm + kGetFilm);
  EXPECT_EQ(connection.Receive()->Field("Connection"), "");
  EXPECT_EQ(connection.Receive()->Field("Connection"), "close");
  EXPECT_EQ(connection.ReceiveToEnd(), "");
}

TEST_F(FrontEndTest, ClosesWhoAsksNothingAndWhoIsTooSlow) {
  options_.idle_timeout = std::chrono::milliseconds(50);
  options_.header_timeout = std::chrono::milliseconds(50);
  Start();
  EXPECT_EQ(Connect().ReceiveToEnd(), "");
  HttpConnection slow = Connect();
  slow.Send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(slow.ReceiveToEnd(), "");
  EXPECT_EQ(Count("strata_frontend_idle_timeouts_total"), 1);
  EXPECT_EQ(Count("strata_frontend_request_timeouts_total"), 1);
}

TEST_F(FrontEndTest, ClosesConnectionsBeyondTheLimit) {
  options_.connections_max = 1;
  Start();
  HttpConnection first = Connect();
  first.Send(kGetFilm);
  EXPECT_TRUE(first.Receive());
  EXPECT_EQ(Connect().ReceiveToEnd(), "");
  EXPECT_EQ(Count("strata_frontend_connections_refused_total"), 1);
  EXPECT_EQ(Count("strata_frontend_connections_open"), 1);
}

TEST_F(FrontEndTest, StopsWithConnectionsOpen) {
  Start();
  HttpConnection idle = Connect();
  HttpConnection half = Connect();
  half.Send("GET / HT");
  HttpConnection served = Connect();
  served.Send(kGetFilm);
  EXPECT_TRUE(served.Receive());
  front_end_->Stop();
  EXPECT_EQ(served.ReceiveToEnd(), "");
  EXPECT_EQ(Count("strata_frontend_connections_open"), 0);
  front_end_->Stop();
}

// ---- Refusals.

TEST_F(FrontEndTest, AnswersWhatItCannotServe) {
  Start();
  const std::string long_field = "X: " + std::string(20'000, 'x') + "\r\n";
  const std::string long_target(farm::kMaxTargetBytes, 'x');
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
           {"GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n", "404"},
           {"GET / HTTP/1.1\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: a\r\nHost: films.example\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "400"},
           {"GET /%zz HTTP/1.1\r\nHost: films.example\r\n\r\n", "400"},
           {"GET /../x HTTP/1.1\r\nHost: films.example\r\n\r\n", "400"},
           {"GET /" + long_target + " HTTP/1.1\r\nHost: films.example\r\n\r\n", "400"},
           {"CONNECT films.example:443 HTTP/1.1\r\nHost: films.example\r\n\r\n", "400"},
           {"nonsense\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: films.example\r\n folded\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost : films.example\r\n\r\n", "400"},
           {"GET / HTTP/2.0\r\nHost: films.example\r\n\r\n", "505"},
           {"GET / HTTP/1.1\r\nHost: films.example\r\nContent-Length: x\r\n\r\n", "400"},
           {"POST / HTTP/1.1\r\nHost: films.example\r\nContent-Length: 1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n",
            "400"},
           {"POST / HTTP/1.1\r\nHost: films.example\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
           {"GET / HTTP/1.1\r\nHost: films.example\r\n" + long_field + "\r\n", "431"}}) {
    const HttpMessage answer = Ask(request);
    EXPECT_EQ(answer.StartLine().substr(9, 3), status) << request.substr(0, 100);
  }
  EXPECT_EQ(Ended("no_site"), 1);
  EXPECT_EQ(Ended("too_large"), 1);
  EXPECT_EQ(Ended("malformed"), 14);
}

TEST_F(FrontEndTest, ARefusalOfAHeadHasNoBody) {
  Start();
  HttpConnection connection = Connect();
  connection.Send("HEAD / HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  EXPECT_NE(connection.Receive(/*bodiless=*/true)->Field("Content-Length"), "0");
  connection.Send(kGetFilm);
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 302 Found");
}

TEST_F(FrontEndTest, LimitsTheRateOfAClient) {
  options_.client_rate = 0.001;
  options_.client_burst = 2;
  options_.threads = 2;
  Start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask(kGetFilm).StartLine(), "HTTP/1.1 302 Found");
  const HttpMessage answer = Ask(kGetFilm);
  EXPECT_EQ(answer.StartLine(), "HTTP/1.1 429 Too Many Requests");
  EXPECT_GT(std::stoi(answer.Field("Retry-After")), 900);
  EXPECT_EQ(Ended("rate_limited"), 1);
}

// ---- Web pages, operators.

TEST_F(FrontEndTest, AnswersAPreflight) {
  Start();
  const HttpMessage answer =
      Ask("OPTIONS /a HTTP/1.1\r\nHost: films.example\r\nOrigin: https://player.example\r\n"
          "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: range\r\n\r\n");
  EXPECT_EQ(answer.StartLine(), "HTTP/1.1 204 No Content");
  EXPECT_EQ(answer.Field("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(answer.Field("Access-Control-Allow-Headers"), "range");
  EXPECT_NE(answer.Field("Access-Control-Allow-Methods"), "");
  EXPECT_EQ(Ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").StartLine(), "HTTP/1.1 204 No Content");
}

constexpr const char* kExplain = "GET /a?strata=explain HTTP/1.1\r\nHost: films.example\r\n";

TEST_F(FrontEndTest, ExplainsItselfToOperators) {
  options_.operators = {*IpPrefix::Parse("127.0.0.0/8")};
  Start();
  const HttpMessage text = Ask(std::string(kExplain) + "\r\n");
  EXPECT_EQ(text.StartLine(), "HTTP/1.1 200 OK");
  EXPECT_NE(text.body.find("redirect to http://192.0.2.1/_s/films.example/a\n"), std::string::npos);
  const HttpMessage json = Ask(std::string(kExplain) + "Accept: application/json\r\n\r\n");
  EXPECT_EQ(json.Field("Content-Type"), "application/json");
  EXPECT_TRUE(json.body.starts_with("{\"site\": \"films\""));
}

TEST_F(FrontEndTest, ToOthersTheWordForExplainIsAParameter) {
  options_.operators = {*IpPrefix::Parse("192.0.2.0/24")};
  Start();
  EXPECT_EQ(Ask(std::string(kExplain) + "\r\n").Field("Location"),
            "http://192.0.2.1/_s/films.example/a?strata=explain");
}

// ---- Starting.

TEST_F(FrontEndTest, SaysWhereItCannotListen) {
  Start();
  options_.listen = {*Endpoint::Parse("192.0.2.1:80")};
  MetricRegistry fresh;
  const auto second = FrontEnd::Start(options_, index_, fresh);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(MessageOf(second.status()).find("192.0.2.1:80"), std::string::npos);
}

TEST_F(FrontEndTest, ListensOnFloatingAddressesBeforeTheyAreThere) {
  options_.floating = {*Endpoint::Parse("192.0.2.1:8083"), *Endpoint::Parse("[2001:db8::1]:8083")};
  MetricRegistry fresh;
  const auto started = FrontEnd::Start(options_, index_, fresh);
  ASSERT_TRUE(started.ok()) << ToString(started.status());
  EXPECT_EQ((*started)->endpoints().back(), options_.floating.back());
}

TEST_F(FrontEndTest, EndsConnectionsBeforeItsAddressesMove) {
  Start();
  HttpConnection connection = Connect();
  connection.Send("GET /a HTTP/1.1\r\nHost: films.example\r\n\r\n");
  EXPECT_EQ(connection.Receive()->Field("Connection"), "");
  front_end_->SetLastRequests(true);
  connection.Send("GET /a HTTP/1.1\r\nHost: films.example\r\n\r\n");
  EXPECT_EQ(connection.Receive()->Field("Connection"), "close");
  front_end_->SetLastRequests(false);
  HttpConnection next = Connect();
  next.Send("GET /a HTTP/1.1\r\nHost: films.example\r\n\r\n");
  EXPECT_EQ(next.Receive()->Field("Connection"), "");
}

TEST_F(FrontEndTest, RefusesOptionsThatMakeNoSense) {
  const FrontEndOptions good = options_;
  std::vector<FrontEndOptions> bad(8, good);
  bad[0].listen.clear();
  bad[1].threads = 0;
  bad[2].header_bytes_max = 10;
  bad[3].client_rate = -1;
  bad[4].idle_timeout = {};
  bad[5].connections_max = 0;
  bad[6].locate_timeout = {};
  bad[7].locate_timeout = std::chrono::minutes(1);
  for (const FrontEndOptions& options : bad) {
    MetricRegistry fresh;
    EXPECT_EQ(FrontEnd::Start(options, index_, fresh).status().code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace strata::manager::frontend::testing
