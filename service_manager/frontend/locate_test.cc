#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "service_manager/federation/locate/locate_messages.h"
#include "service_manager/frontend/front_end_fixture.h"

namespace strata::manager::frontend::testing {
namespace {

using federation::LocateAnswer;
using federation::LocatedCopy;
using federation::LocateQuestion;

constexpr const char* kGetFilm = "GET /a.mp4?x HTTP/1.1\r\nHost: films.example\r\n\r\n";
constexpr const char* kHere = "http://192.0.2.1/_s/films.example/a.mp4?x";
constexpr const char* kElsewhere = "http://198.51.100.7:8080/_s/films.example/a.mp4?x";

LocatedCopy CopyAt(const char* endpoint, const std::string& scope = "cdn-two/lan-a") {
  return {.holder = {.scope = scope, .engine = "e1"},
          .clients = {*Endpoint::Parse(endpoint)},
          .flags = directory::kComplete};
}
LocateAnswer AnswerOf(std::vector<LocatedCopy> copies) {
  LocateAnswer answer;
  answer.copies = std::move(copies);
  return answer;
}

// Other managers, who answer when the test says so.
class Managers {
 public:
  Locate Hook() {
    return [this](LocateQuestion question, LocateDone done) {
      absl::MutexLock lock(&mutex_);
      questions_.push_back(std::move(question));
      waiting_.push_back(std::move(done));
    };
  }
  // The `nth` question, when it is there: from 0 on.
  LocateQuestion Question(size_t nth) {
    absl::MutexLock lock(&mutex_);
    Await(nth + 1);
    return questions_[nth];
  }
  void Answer(size_t nth, const StatusOr<LocateAnswer>& answer) { Take(nth)(answer); }
  // Whoever has it may answer at any time.
  LocateDone Take(size_t nth) {
    absl::MutexLock lock(&mutex_);
    Await(nth + 1);
    return waiting_[nth];
  }
  size_t asked() {
    absl::MutexLock lock(&mutex_);
    return questions_.size();
  }

 private:
  void Await(size_t questions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto there = [this, questions] {
      mutex_.AssertHeld();
      return questions_.size() >= questions;
    };
    ASSERT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(10)));
  }

  absl::Mutex mutex_;
  std::vector<LocateQuestion> questions_ ABSL_GUARDED_BY(mutex_);
  std::vector<LocateDone> waiting_ ABSL_GUARDED_BY(mutex_);
};

class LocateTest : public FrontEndTest {
 protected:
  LocateTest() {
    options_.locate = managers_.Hook();
    options_.locate_timeout = std::chrono::seconds(10);  // Nobody is late but who shall be.
    options_.scope = "cdn-one/lan-a";
  }
  ~LocateTest() override { front_end_.reset(); }  // Before the managers.

  double Located(const std::string& result) {
    for (const MetricSample& sample : metrics_.Samples()) {
      if (sample.name != "strata_frontend_locates_total") continue;
      if (sample.labels.at("result") == result) return sample.value;
    }
    return -1;
  }
  // Asks, others answer, and that is where the client is sent.
  std::string SentTo(const StatusOr<LocateAnswer>& answer) {
    HttpConnection client = Connect();
    EXPECT_TRUE(client.Send(kGetFilm));
    managers_.Answer(asked_++, answer);
    return client.Receive().value_or(HttpMessage()).Field("Location");
  }

  Managers managers_;
  size_t asked_ = 0;
};

TEST_F(LocateTest, WhatNobodyHereHoldsOthersAreAskedFor) {
  Start();
  HttpConnection client = Connect();
  ASSERT_TRUE(client.Send(kGetFilm));
  const LocateQuestion question = managers_.Question(0);
  EXPECT_EQ(question.canonical_uri, "http://films.example/a.mp4?x");
  EXPECT_EQ(question.key, farm::KeyOf(question.canonical_uri));
  EXPECT_EQ(question.time_left, std::chrono::seconds(9)) << "the rest is for the answer's way";
  std::thread other([&] { managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")})); });
  const auto answer = client.Receive();
  other.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->StartLine(), "HTTP/1.1 302 Found");
  EXPECT_EQ(answer->Field("Location"), kElsewhere);
  EXPECT_EQ(Ended("redirected"), 1);
  EXPECT_EQ(Located("found"), 1);
}

TEST_F(LocateTest, IfOthersKnowOfNoneOrCannotBeAskedItIsAsWithoutThem) {
  Start();
  EXPECT_EQ(SentTo(AnswerOf({})), kHere);
  EXPECT_EQ(SentTo(Unavailable("no parent")), kHere);
  EXPECT_EQ(SentTo(AnswerOf({CopyAt("192.0.2.9:80", "cdn-one/lan-a")})), kHere)
      << "of its own scope it knows more";
  LocatedCopy partial = CopyAt("198.51.100.7:8080");
  partial.flags = 0;
  EXPECT_EQ(SentTo(AnswerOf({partial})), kHere);
  EXPECT_EQ(Located("nothing"), 2);
  EXPECT_EQ(Located("failed"), 1);
}

TEST_F(LocateTest, AnAnswerMayComeAtOnce) {
  options_.locate = [](const LocateQuestion&, const LocateDone& done) {
    done(AnswerOf({CopyAt("198.51.100.7:8080")}));
  };
  Start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(kGetFilm).Field("Location"), kElsewhere);
}

TEST_F(LocateTest, NobodyIsAskedForWhatIsHeldOrIsNoContent) {
  options_.operators = {};
  Hold("http://films.example/a.mp4?x", 1);
  Start();
  EXPECT_EQ(Ask(kGetFilm).Field("Location"), kHere);
  EXPECT_EQ(Ask("POST /b HTTP/1.1\r\nHost: films.example\r\n\r\n").StartLine(),
            "HTTP/1.1 307 Temporary Redirect");
  Ask("GET /b HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  Ask("GET /../b HTTP/1.1\r\nHost: films.example\r\n\r\n");
  EXPECT_EQ(managers_.asked(), 0u);
}

TEST_F(LocateTest, WhoIsLateIsNotWaitedFor) {
  options_.locate_timeout = std::chrono::milliseconds(20);
  Start();
  HttpConnection client = Connect();
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kGetFilm));
    EXPECT_EQ(client.Receive().value_or(HttpMessage()).Field("Location"), kHere);
    managers_.Answer(i, AnswerOf({CopyAt("198.51.100.7:8080")}));  // Nobody waits for it any more.
  }
  EXPECT_EQ(Located("late"), 3);
  EXPECT_EQ(Located("found"), 0);
}

TEST_F(LocateTest, TheThreadServesOthersMeanwhile) {
  Hold("http://films.example/held", 1);
  Start();
  HttpConnection waiting = Connect();
  ASSERT_TRUE(waiting.Send(kGetFilm));
  (void)managers_.Question(0);
  EXPECT_EQ(Ask("GET /held HTTP/1.1\r\nHost: films.example\r\n\r\n").StartLine(),
            "HTTP/1.1 302 Found");
  managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")}));
  EXPECT_EQ(waiting.Receive().value_or(HttpMessage()).Field("Location"), kElsewhere);
}

TEST_F(LocateTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  Hold("http://films.example/held", 1);
  options_.locate = [](const LocateQuestion& question, const LocateDone& done) {
    const bool odd = question.canonical_uri.back() % 2 == 1;
    done(AnswerOf(odd ? std::vector{CopyAt("198.51.100.7:8080")} : std::vector<LocatedCopy>()));
  };
  Start();
  HttpConnection client = Connect();
  std::string requests;
  constexpr int kRounds = 500;
  for (int i = 0; i < kRounds; ++i) {
    requests += "GET /held HTTP/1.1\r\nHost: films.example\r\n\r\n";
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: films.example\r\n\r\n";
  }
  std::thread sender([&] { EXPECT_TRUE(client.Send(requests)); });
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_EQ(client.Receive().value_or(HttpMessage()).Field("Location"),
              "http://192.0.2.1/_s/films.example/held");
    const std::string where = i % 2 == 1 ? "198.51.100.7:8080" : "192.0.2.1";
    EXPECT_EQ(client.Receive().value_or(HttpMessage()).Field("Location"),
              "http://" + where + "/_s/films.example/" + std::to_string(i));
  }
  sender.join();
  EXPECT_EQ(Ended("redirected"), 2 * kRounds);
}

TEST_F(LocateTest, AClientWhoHasGoneIsForgotten) {
  Start();
  {
    HttpConnection client = Connect();
    ASSERT_TRUE(client.Send(kGetFilm));
    (void)managers_.Question(0);
    client.Abort();
  }
  managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (Count("strata_frontend_connections_open") != 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Count("strata_frontend_connections_open"), 0);
}

TEST_F(LocateTest, AnAnswerAfterTheEndHurtsNobody) {
  Start();
  HttpConnection client = Connect();
  ASSERT_TRUE(client.Send(kGetFilm));
  const LocateDone done = managers_.Take(0);
  front_end_->Stop();
  EXPECT_EQ(client.ReceiveToEnd(), "");
  done(AnswerOf({}));
  front_end_.reset();
  done(AnswerOf({}));
}

TEST_F(LocateTest, QuestionsThatAreOpenHaveABound) {
  options_.locates_max = 1;
  Start();
  HttpConnection first = Connect();
  ASSERT_TRUE(first.Send(kGetFilm));
  (void)managers_.Question(0);
  EXPECT_EQ(Ask(kGetFilm).Field("Location"), kHere);
  EXPECT_EQ(Located("too_many"), 1);
  managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")}));
  EXPECT_EQ(first.Receive().value_or(HttpMessage()).Field("Location"), kElsewhere);
  HttpConnection next = Connect();
  ASSERT_TRUE(next.Send(kGetFilm));
  managers_.Answer(1, AnswerOf({CopyAt("198.51.100.7:8080")}));
  EXPECT_EQ(next.Receive().value_or(HttpMessage()).Field("Location"), kElsewhere);
}

TEST_F(LocateTest, WhatWasUnpublishedMeanwhileIsNotAnswered) {
  Start();
  HttpConnection client = Connect();
  ASSERT_TRUE(client.Send(kGetFilm));
  (void)managers_.Question(0);
  front_end_->Publish(std::shared_ptr<const routing::RoutingSnapshot>());
  managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")}));
  EXPECT_EQ(client.Receive().value_or(HttpMessage()).StartLine(),
            "HTTP/1.1 503 Service Unavailable");
}

TEST_F(LocateTest, ARequestIsCountedOnceByTheRateLimit) {
  options_.client_rate = 0.001;
  options_.client_burst = 1;
  Start();
  EXPECT_EQ(SentTo(AnswerOf({CopyAt("198.51.100.7:8080")})), kElsewhere);
}

TEST_F(LocateTest, AForwardedRequestIsFetchedFromElsewhere) {
  FakeEngine engine(
      [](const HttpMessage&) { return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"; });
  Start();
  HttpConnection client = Connect();
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.Send("GET /a HTTP/1.1\r\nHost: relay.example\r\n\r\n"));
    managers_.Answer(i, AnswerOf({CopyAt(ToString(engine.endpoint()).c_str())}));
    EXPECT_EQ(client.Receive().value_or(HttpMessage()).body, "hello");
  }
  EXPECT_EQ(engine.requests().front().StartLine(), "GET /_s/relay.example/a HTTP/1.1");
}

TEST_F(LocateTest, AnExplanationSaysWhatOthersSaid) {
  options_.operators = {*IpPrefix::Parse("127.0.0.0/8")};
  Start();
  HttpConnection client = Connect();
  ASSERT_TRUE(client.Send("GET /a.mp4?strata=explain HTTP/1.1\r\nHost: films.example\r\n\r\n"));
  EXPECT_EQ(managers_.Question(0).canonical_uri, "http://films.example/a.mp4");
  managers_.Answer(0, AnswerOf({CopyAt("198.51.100.7:8080")}));
  const std::string text = client.Receive().value_or(HttpMessage()).body;
  EXPECT_NE(text.find("redirect to http://198.51.100.7:8080/_s/films.example/a.mp4\n"),
            std::string::npos);
  EXPECT_NE(text.find("engine e1 of cdn-two/lan-a"), std::string::npos);
}

}  // namespace
}  // namespace strata::manager::frontend::testing
