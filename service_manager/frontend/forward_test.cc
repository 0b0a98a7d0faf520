#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "service_manager/frontend/front_end_fixture.h"

namespace strata::manager::frontend::testing {
namespace {

std::string Answer(const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
constexpr const char* kGet = "GET /a?x HTTP/1.1\r\nHost: relay.example\r\n\r\n";

// An endpoint where nobody listens any more.
Endpoint Nobody() {
  return FakeEngine([](const HttpMessage&) { return ""; }).endpoint();
}

class ForwardTest : public FrontEndTest {
 protected:
  ForwardTest() { engines_.clear(); }

  void Engine(uint32_t id, const Endpoint& endpoint) {
    AddEngine(id, endpoint);
    Hold("http://relay.example/a?x", id);
  }
};

TEST_F(ForwardTest, FetchesFromAnEngineAndKeepsTheConnection) {
  FakeEngine engine([](const HttpMessage&) {
    return Answer("hello", "ETag: \"1\"\r\nKeep-Alive: 5\r\nConnection: X-Mine\r\nX-Mine: 1\r\n");
  });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  for (int i = 0; i < 3; ++i) {
    connection.Send(
        "GET /a?x HTTP/1.1\r\nHost: relay.example\r\nX-Forwarded-For: 192.0.2.9\r\n"
        "Connection: X-Hop, Host\r\nX-Hop: 1\r\nTE: trailers\r\nRange: bytes=0-4\r\n\r\n");
    const auto answer = connection.Receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->StartLine(), "HTTP/1.1 200 OK");
    EXPECT_EQ(answer->body, "hello");
    EXPECT_EQ(answer->Field("ETag"), "\"1\"");
    EXPECT_EQ(answer->Field("Via"), "1.1 strata");
    for (const char* hop : {"Keep-Alive", "X-Mine", "Connection"}) {
      EXPECT_EQ(answer->Field(hop), "");
    }
  }
  EXPECT_EQ(engine.connections(), 1);
  const HttpMessage request = engine.requests().front();
  EXPECT_EQ(request.StartLine(), "GET /_s/relay.example/a?x HTTP/1.1");
  EXPECT_EQ(request.Field("Host"), ToString(engine.endpoint()));
  EXPECT_EQ(request.Field("X-Forwarded-For"), "192.0.2.9, 127.0.0.1");
  EXPECT_EQ(request.Field("X-Forwarded-Host"), "relay.example");
  EXPECT_EQ(request.Field("Range"), "bytes=0-4");
  for (const char* hop : {"X-Hop", "TE", "Connection"}) EXPECT_EQ(request.Field(hop), "");
  EXPECT_TRUE(Counts("forwarded", 3));
  EXPECT_EQ(Count("strata_frontend_engine_reuses_total"), 2);
}

TEST_F(ForwardTest, MixesWithRedirectsOnOneConnection) {
  FakeEngine engine([](const HttpMessage&) { return Answer("hello"); });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  const std::string film = "GET /b HTTP/1.1\r\nHost: films.example\r\n\r\n";
  connection.Send(film + kGet + film + kGet);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 302 Found");
    EXPECT_EQ(connection.Receive()->body, "hello");
  }
}

TEST_F(ForwardTest, TakesTheHostFromAWholeUri) {
  FakeEngine engine([](const HttpMessage&) { return Answer("hello"); });
  Engine(1, engine.endpoint());
  Start();
  EXPECT_EQ(Ask("GET http://Relay.example:80/a?x HTTP/1.1\r\nHost: other.example\r\n\r\n").body,
            "hello");
  EXPECT_EQ(engine.requests()[0].Field("X-Forwarded-Host"), "relay.example");
}

TEST_F(ForwardTest, StreamsLargeBodiesBothWays) {
  std::string large(3'000'000, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  FakeEngine engine([](const HttpMessage& request) { return Answer(request.body); });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  std::thread sender([&] {
    connection.Send("POST /a?x HTTP/1.1\r\nHost: relay.example\r\nContent-Length: " +
                    std::to_string(large.size()) + "\r\n\r\n");
    connection.Send(large);
    connection.Send(
        "PUT /a?x HTTP/1.1\r\nHost: relay.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n");
  });
  EXPECT_TRUE(connection.Receive()->body == large);
  EXPECT_EQ(connection.Receive()->body, "hello world");
  sender.join();
  EXPECT_EQ(engine.requests()[1].Field("Transfer-Encoding"), "chunked");
}

TEST_F(ForwardTest, ForwardsChunksAndWhatEndsWithTheConnection) {
  std::atomic<int> turn = 0;
  FakeEngine engine([&turn](const HttpMessage&) -> std::string {
    if (turn++ % 2 == 0) {
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
             "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    }
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
  });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  connection.Send(std::string(kGet) + kGet);
  EXPECT_EQ(connection.Receive()->body, "abcde");
  EXPECT_EQ(connection.Receive()->body, "until the end");
  for (const char* body : {"abcde", "until the end"}) {
    HttpConnection old = Connect();
    old.Send("GET /a?x HTTP/1.0\r\nHost: relay.example\r\nConnection: keep-alive\r\n\r\n");
    const std::string answer = old.ReceiveToEnd();
    EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), body);
    EXPECT_EQ(answer.find("chunked"), std::string::npos);
  }
}

TEST_F(ForwardTest, AnswersWithoutBodyLeaveTheConnectionUsable) {
  FakeEngine engine([](const HttpMessage& request) -> std::string {
    if (request.StartLine().starts_with("HEAD")) {
      return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    }
    if (!request.Field("If-None-Match").empty()) {
      return "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n";
    }
    return "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + Answer("");
  });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  connection.Send("HEAD /a?x HTTP/1.1\r\nHost: relay.example\r\n\r\n");
  EXPECT_EQ(connection.Receive(/*bodiless=*/true)->Field("Content-Length"), "1000");
  connection.Send("GET /a?x HTTP/1.1\r\nHost: relay.example\r\nIf-None-Match: \"1\"\r\n\r\n");
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 304 Not Modified");
  connection.Send(kGet);
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 200 OK");
  EXPECT_EQ(engine.connections(), 1);
}

TEST_F(ForwardTest, GivesAClientThatWaitsForItTheWordToContinue) {
  FakeEngine engine([](const HttpMessage& request) { return Answer(request.body); });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  connection.Send(
      "POST /a?x HTTP/1.1\r\nHost: relay.example\r\nContent-Length: 4\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.Receive()->StartLine(), "HTTP/1.1 100 Continue");
  connection.Send("body");
  EXPECT_EQ(connection.Receive()->body, "body");
  EXPECT_EQ(engine.requests()[0].Field("Expect"), "");
}

// ---- Engines that fail.

TEST_F(ForwardTest, GoesToTheNextEngineWhenOneCannotBeReached) {
  FakeEngine engine([](const HttpMessage& request) { return Answer(request.body); });
  Engine(1, Nobody());
  Engine(2, Nobody());
  Engine(3, engine.endpoint());
  Start();
  for (int i = 0; i < 10; ++i) {  // The first is drawn.
    EXPECT_EQ(Ask(kGet).StartLine(), "HTTP/1.1 200 OK");
    EXPECT_EQ(
        Ask("POST /a?x HTTP/1.1\r\nHost: relay.example\r\nContent-Length: 4\r\n\r\nbody").body,
        "body");
  }
  EXPECT_GT(Count("strata_frontend_engine_failures_total"), 0);
}

TEST_F(ForwardTest, GoesToTheNextEngineWhenOneClosesBeforeItsAnswer) {
  FakeEngine rude([](const HttpMessage&) { return ""; });
  FakeEngine engine([](const HttpMessage&) { return Answer("hello"); });
  Engine(1, rude.endpoint());
  Engine(2, engine.endpoint());
  Start();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Ask(kGet).body, "hello");
  EXPECT_GT(rude.connections(), 0);
}

TEST_F(ForwardTest, DoesNotRepeatWhatMayHaveBeenDone) {
  FakeEngine rude([](const HttpMessage&) { return ""; });
  Engine(1, rude.endpoint());
  FakeEngine other([](const HttpMessage&) { return ""; });
  Engine(2, other.endpoint());
  Start();
  const HttpMessage answer =
      Ask("POST /a?x HTTP/1.1\r\nHost: relay.example\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(answer.StartLine(), "HTTP/1.1 502 Bad Gateway");
  EXPECT_EQ(rude.requests().size() + other.requests().size(), 1u);
}

TEST_F(ForwardTest, SaysSoWhenNoEngineAnswers) {
  Engine(1, Nobody());
  Start();
  EXPECT_EQ(Ask(kGet).StartLine(), "HTTP/1.1 502 Bad Gateway");
  EXPECT_TRUE(Counts("forward_failed", 1));
}

TEST_F(ForwardTest, LeavesAnEngineThatIsSilent) {
  std::atomic<bool> done = false;
  FakeEngine silent([&done](const HttpMessage&) {
    while (!done) std::this_thread::yield();
    return "";
  });
  Engine(1, silent.endpoint());
  options_.engine_timeout = std::chrono::milliseconds(50);
  Start();
  EXPECT_EQ(Ask(kGet).StartLine(), "HTTP/1.1 504 Gateway Timeout");
  done = true;
}

TEST_F(ForwardTest, LeavesAClientThatReadsNothing) {
  FakeEngine engine([](const HttpMessage&) { return Answer(std::string(50'000'000, 'x')); });
  Engine(1, engine.endpoint());
  options_.engine_timeout = std::chrono::milliseconds(100);
  Start();
  HttpConnection connection = Connect();
  connection.Send(kGet);
  EXPECT_TRUE(Counts("forward_failed", 1));
  EXPECT_EQ(Count("strata_frontend_request_timeouts_total"), 1);
  EXPECT_LT(connection.ReceiveToEnd().size(), 50'000'000u);
}

TEST_F(ForwardTest, AnAnswerThatBreaksOffBreaksOffForTheClient) {
  FakeEngine engine([](const HttpMessage&) {
    return std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc");
  });
  Engine(1, engine.endpoint());
  Start();
  HttpConnection connection = Connect();
  connection.Send(kGet);
  const std::string answer = connection.ReceiveToEnd();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(Counts("forward_failed", 1));
}

TEST_F(ForwardTest, AConnectionThatItsEngineClosedIsReplaced) {
  std::atomic<int> turn = 0;
  auto engine = std::make_unique<FakeEngine>([&turn](const HttpMessage&) -> std::string {
    return ++turn == 2 ? "" : Answer("hello");  // The second request meets a closing connection.
  });
  Engine(1, engine->endpoint());
  Start();
  HttpConnection connection = Connect();
  for (int i = 0; i < 3; ++i) {
    connection.Send(kGet);
    EXPECT_EQ(connection.Receive()->body, "hello");
  }
  EXPECT_EQ(engine->connections(), 2);
}

TEST_F(ForwardTest, AClientThatLeavesAndAStopHarmNobody) {
  std::atomic<bool> done = false;
  FakeEngine slow([&done](const HttpMessage& request) {
    while (!done && request.StartLine().find("a?x") != std::string::npos) {
      std::this_thread::yield();
    }
    return Answer(std::string(1'000'000, 'x'));
  });
  Engine(1, slow.endpoint());
  Start();
  HttpConnection leaving = Connect();
  leaving.Send(kGet);
  HttpConnection staying = Connect();
  staying.Send(kGet);
  while (slow.requests().size() < 2) std::this_thread::yield();
  leaving.Abort();
  HttpConnection other = Connect();
  other.Send("GET /b HTTP/1.1\r\nHost: relay.example\r\n\r\n");
  EXPECT_EQ(other.Receive()->body.size(), 1'000'000u);
  front_end_->Stop();
  done = true;
}

}  // namespace
}  // namespace strata::manager::frontend::testing
