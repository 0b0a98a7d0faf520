#include "service_manager/locating/locator.h"

#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/testing/loopback_listener.h"
#include "common/testing/test_cable.h"
#include "common/tls/manager_channel.h"
#include "farm/content_identity.h"
#include "multicast/driver/clock.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/locating/location_grpc.h"
#include "service_manager/locating/location_messages.h"
#include "service_manager/locating/test_managers.h"
#include "service_manager/store/rocks_store.h"

namespace strata::manager::locating {
namespace {

using control::testing::Eventually;
using federation::GapReason;
using federation::LocalCopies;
using federation::LocateAnswer;
using federation::LocatedCopy;
using federation::LocateGap;
using federation::LocateQuestion;
using multicast::Now;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Ask;
using testing::CopyOf;
using testing::QuestionOf;
using testing::TestManager;

const std::string kUri = "http://films.example/one";
const farm::ContentKey kKey = farm::KeyOf(kUri);
constexpr char kFarScope[] = "cdn-one/dc-two/lan-b";

std::vector<LocateGap> Gaps(const StatusOr<LocateAnswer>& answer) {
  return answer.ok() ? answer->gaps : std::vector<LocateGap>{{ToString(answer.status())}};
}
std::vector<LocatedCopy> Copies(const StatusOr<LocateAnswer>& answer) {
  return answer.ok() ? answer->copies : std::vector<LocatedCopy>{};
}

// A farm below a data center below a CDN, which has another data center; the managers listen at
// IPv4 and IPv6 in turns.
class LocatorTest : public ::testing::Test {
 protected:
  LocatorTest() {
    cdn_.Adopt(dc_one_);
    cdn_.Adopt(dc_two_);
    dc_one_.Adopt(lan_);
  }
  ~LocatorTest() override { std::filesystem::remove_all(folder_); }

  static std::string NewFolder() {
    std::string path = ::testing::TempDir() + "/locator-XXXXXX";
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    return path;
  }
  // The farm's copies lie in the other data center.
  void PutFarCopy() {
    cdn_.SetLocal(kUri, {.copies = {CopyOf("cdn-one/dc-two")}});
    dc_two_.SetLocal(kUri, {.copies = {far_}});
  }
  StatusOr<LocateAnswer> AskLan(Duration time = seconds(5)) {
    return Ask(lan_.locator(), QuestionOf(kUri, time));
  }

  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  const std::unique_ptr<store::RocksStore> store_ =
      *store::RocksStore::Open({.folder = folder_ + "/audit"});
  control::AuditLog audit_{*store_};
  const LocatedCopy far_ = {
      .holder = {kFarScope, "e1"},
      .clients = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")},
      .flags = directory::kComplete,
      .size = 4096};
  TestManager cdn_{authority_, audit_, {.own = {"cdn-one", 3}, .name = "cdn", .has_parent = false}};
  TestManager dc_one_{
      authority_, audit_, {.own = {"cdn-one/dc-one", 2}, .name = "one", .listen = "[::1]:0"}};
  TestManager dc_two_{
      authority_, audit_, {.own = {"cdn-one/dc-two", 2}, .name = "two", .listen = "[::1]:0"}};
  TestManager lan_{authority_, audit_, {.own = {"cdn-one/dc-one/lan-a", 1}, .name = "lan"}};
};

TEST_F(LocatorTest, AMissClimbsAndComesDownAnotherBranch) {
  PutFarCopy();
  LocateQuestion question = QuestionOf(kUri, seconds(5));
  question.trace = true;
  const StatusOr<LocateAnswer> answer = Ask(lan_.locator(), question);
  ASSERT_TRUE(answer.ok()) << ToString(answer.status());
  EXPECT_EQ(answer->copies, std::vector<LocatedCopy>{far_});
  EXPECT_EQ(answer->gaps, std::vector<LocateGap>{});
  std::vector<std::string> way;
  Duration before = seconds(5);
  for (const federation::LocateHop& hop : answer->trace) {
    EXPECT_EQ(hop.depth, way.size());
    EXPECT_EQ(hop.copies, 1U);
    EXPECT_GE(before, hop.round_trip) << hop.scope;
    EXPECT_EQ(hop.round_trip > Duration::zero(), hop.depth > 0) << hop.scope;
    before = hop.took;
    way.push_back(hop.scope);
  }
  EXPECT_EQ(way, (std::vector<std::string>{"cdn-one/dc-one/lan-a", "cdn-one/dc-one", "cdn-one",
                                           "cdn-one/dc-two"}));
}

TEST_F(LocatorTest, WhatWasAnsweredIsNotAskedAgain) {
  PutFarCopy();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Copies(AskLan()), std::vector<LocatedCopy>{far_});
  EXPECT_EQ(dc_one_.locator().counters().questions, 1U);
  EXPECT_EQ(lan_.Metric("strata_locate_questions_total"), 10);
  EXPECT_EQ(lan_.Metric("strata_locate_asks_remembered_total"), 9);
}

TEST_F(LocatorTest, CopiesThatAreStaleDoNotEndTheSearch) {
  PutFarCopy();
  LocatedCopy stale = CopyOf("cdn-one/dc-one/lan-a", "e7");
  stale.stale = true;
  lan_.SetLocal(kUri, {.copies = {stale}});
  EXPECT_EQ(Copies(AskLan()), (std::vector<LocatedCopy>{stale, far_}));
}

TEST_F(LocatorTest, AChildWithoutLinkIsAGap) {
  PutFarCopy();
  cdn_.locator().RemoveChild("cdn-one/dc-two");
  const StatusOr<LocateAnswer> answer = AskLan();
  EXPECT_EQ(Copies(answer), std::vector<LocatedCopy>{CopyOf("cdn-one/dc-two")});
  EXPECT_EQ(Gaps(answer), (std::vector<LocateGap>{{"cdn-one/dc-two", GapReason::kNoLink}}));
  cdn_.Adopt(dc_two_);
  EXPECT_EQ(Copies(AskLan()), std::vector<LocatedCopy>{far_});
}

TEST_F(LocatorTest, EachQuestionIsAnsweredOnceWhileNeighboursComeAndGo) {
  constexpr int kThreads = 3;
  constexpr int kQuestions = 200;
  cdn_.SetOthers({.copies = {CopyOf("cdn-one/dc-two")}});
  dc_two_.SetOthers({.copies = {far_}});
  std::atomic<int> ended = 0;
  std::atomic<int> asking = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kQuestions; ++i) {
        const std::string uri = "http://films.example/" + std::to_string(thread * kQuestions + i);
        const federation::QuestionId id = lan_.locator().Locate(
            QuestionOf(uri, seconds(5)), [&](const StatusOr<LocateAnswer>&) { ++ended; });
        if (i % 5 == 0 && lan_.locator().Forget(id)) ++ended;
        if (i % 10 == 0) (void)Ask(dc_one_.locator(), QuestionOf(uri, seconds(5)));
      }
      --asking;
    });
  }
  while (asking > 0) {
    cdn_.locator().RemoveChild("cdn-one/dc-one");
    dc_one_.locator().RemoveParent();
    cdn_.Adopt(dc_one_);
    dc_one_.locator().RemoveChild("cdn-one/dc-one/lan-a");
    dc_one_.Adopt(lan_);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Eventually([&] { return ended == kThreads * kQuestions; })) << ended;
  for (TestManager* manager : {&lan_, &dc_one_, &cdn_, &dc_two_}) {
    EXPECT_TRUE(Eventually([&] { return manager->locator().open_questions() == 0; }));
  }
  PutFarCopy();
  EXPECT_EQ(Copies(AskLan()), std::vector<LocatedCopy>{far_});
}

// ---- The managers of a neighbour.

class NeighbourTest : public LocatorTest {
 protected:
  // Another manager of the second data center.
  std::unique_ptr<TestManager> NewDcTwo(const std::string& certificate_scope = {}) {
    return std::make_unique<TestManager>(
        authority_, audit_,
        TestManager::Options{
            .own = {"cdn-one/dc-two", 2}, .name = "b", .certificate_scope = certificate_scope});
  }
  // The second data center's managers, as the CDN knows them.
  void SetWays(const std::vector<std::string>& ways) {
    ASSERT_TRUE(cdn_.locator().SetChild(dc_two_.own(), ways).ok());
  }
  StatusOr<LocateAnswer> AskCdn(Duration time = seconds(5)) {
    return Ask(cdn_.locator(), QuestionOf(kUri, time));
  }
};

TEST_F(NeighbourTest, OneThatDoesNotLeadHasTheNextOneAsked) {
  PutFarCopy();
  const auto backup = NewDcTwo();
  backup->SetLeads(Unavailable("a leads"));
  SetWays({backup->address(), dc_two_.address()});
  EXPECT_EQ(Copies(AskCdn()), std::vector<LocatedCopy>{far_});
  EXPECT_EQ(cdn_.Metric("strata_locate_managers_failed_total"), 1);
  // It is remembered who answered.
  LocateQuestion again = QuestionOf(kUri, seconds(5));
  again.trace = true;
  EXPECT_EQ(Copies(Ask(cdn_.locator(), again)), std::vector<LocatedCopy>{far_});
  EXPECT_EQ(cdn_.Metric("strata_locate_managers_failed_total"), 1);
}

TEST_F(NeighbourTest, NobodyLeadsIsAGap) {
  PutFarCopy();
  dc_two_.SetLeads(Unavailable("nobody leads"));
  const StatusOr<LocateAnswer> answer = AskCdn();
  EXPECT_EQ(Gaps(answer), (std::vector<LocateGap>{{"cdn-one/dc-two", GapReason::kLost}}));
  EXPECT_EQ(Copies(answer), std::vector<LocatedCopy>{CopyOf("cdn-one/dc-two")});
}

TEST_F(NeighbourTest, WhoCannotBeReachedHasTheNextOneAskedInTime) {
  PutFarCopy();
  const LoopbackListener mute;  // Takes connections, and says nothing.
  SetWays({"127.0.0.1:1", ToString(mute.endpoint()), dc_two_.address()});
  EXPECT_EQ(Copies(AskCdn(seconds(3))), std::vector<LocatedCopy>{far_});
}

TEST_F(NeighbourTest, ACertificateOfAnotherScopeDoesNotSpeakForTheNeighbour) {
  PutFarCopy();
  const auto stranger = NewDcTwo("cdn-one/dc-three");
  stranger->SetLocal(kUri, {.copies = {CopyOf(kFarScope, "evil")}});
  ASSERT_TRUE(stranger->locator().SetParent({"cdn-one", 3}, {}).ok());
  SetWays({stranger->address()});
  const StatusOr<LocateAnswer> answer = AskCdn();
  EXPECT_EQ(Copies(answer), std::vector<LocatedCopy>{CopyOf("cdn-one/dc-two")});
  EXPECT_EQ(Gaps(answer), (std::vector<LocateGap>{{"cdn-one/dc-two", GapReason::kRefused}}));
  EXPECT_EQ(cdn_.Metric("strata_locate_strangers_total"), 1);
  SetWays({stranger->address(), dc_two_.address()});
  EXPECT_EQ(Copies(AskCdn()), std::vector<LocatedCopy>{far_});
}

TEST_F(NeighbourTest, ARevokedManagerIsNotBelievedAnyMore) {
  PutFarCopy();
  EXPECT_EQ(Copies(AskCdn()), std::vector<LocatedCopy>{far_});
  authority_.Revoke(dc_two_.paths());
  ASSERT_TRUE(cdn_.tls()->Reload().ok());
  LocateQuestion question = QuestionOf(kUri, seconds(5));
  question.trace = true;
  EXPECT_EQ(Copies(Ask(cdn_.locator(), question)),
            std::vector<LocatedCopy>{CopyOf("cdn-one/dc-two")});
}

TEST_F(NeighbourTest, WhatIsNoNeighbourOrNoAddressIsRefused) {
  Locator& locator = cdn_.locator();
  EXPECT_FALSE(locator.SetChild({"cdn-two", 2}, {}).ok());
  EXPECT_FALSE(locator.SetChild({"cdn-one/dc-two/lan-b", 1}, {}).ok()) << "lies in another child";
  EXPECT_FALSE(locator.SetChild({"cdn-one/dc-three", 3}, {}).ok());
  EXPECT_FALSE(locator.SetParent({"cdn-two", 4}, {"a"}).ok());
  for (const char* address : {"", "a", "a:", ":1", "unix:/tmp/a:1", "dns:///a:1", "a:b"}) {
    EXPECT_FALSE(locator.SetChild({"cdn-one/dc-three", 2}, {address}).ok()) << address;
  }
  EXPECT_FALSE(locator.SetChild({"cdn-one/dc-three", 2}, std::vector<std::string>(17, "a:1")).ok());
  EXPECT_TRUE(locator.SetChild({"cdn-one/dc-three", 2}, {"a:1", "[::1]:2"}).ok());
}

// ---- Who asks.

class CallTest : public LocatorTest {
 protected:
  // A call to the manager of the first data center, with this certificate.
  grpc::Status Call(const std::string& identity, v1::LocateRequest request,
                    v1::LocateReply& reply) {
    const auto stub = StubOf(identity);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(10));
    return stub->Locate(&context, request, &reply);
  }
  grpc::Status Call(const std::string& identity, const v1::LocateRequest& request) {
    v1::LocateReply reply;
    return Call(identity, request, reply);
  }
  std::unique_ptr<v1::Location::Stub> StubOf(const std::string& identity) {
    tls::ManagerChannel channel(dc_one_.address(),
                                *tls::TlsStore::Open(authority_.Issue("strata://" + identity)));
    return v1::Location::NewStub(channel.Get());
  }
  static v1::LocateRequest Request() {
    v1::LocateRequest request;
    ToProto(QuestionOf(kUri, seconds(2)), request);
    return request;
  }
};

TEST_F(CallTest, NeighboursAndNobodyElseMayAsk) {
  PutFarCopy();
  v1::LocateReply reply;
  EXPECT_TRUE(Call("cdn-one/dc-one/lan-a/manager/z", Request(), reply).ok());
  EXPECT_EQ(reply.copies_size(), 1) << "a child's question climbs";
  EXPECT_TRUE(Call("cdn-one/manager/z", Request(), reply).ok());
  EXPECT_EQ(reply.copies_size(), 0) << "the parent's does not";
  EXPECT_EQ(dc_one_.Metric("strata_locate_strangers_total"), 0);
  const auto code_of = [this](const std::string& identity) {
    return Call(identity, Request()).error_code();
  };
  EXPECT_EQ(code_of("cdn-two/manager/z"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(dc_one_.Metric("strata_locate_strangers_total"), 1);
  EXPECT_EQ(code_of("cdn-one/dc-one/lan-c/manager/z"), grpc::StatusCode::UNAVAILABLE)
      << "it has no link, not yet perhaps";
  EXPECT_EQ(code_of("cdn-one/dc-one/manager/z"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(code_of("cdn-one/dc-one/lan-a/engine/z"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(code_of("cdn-one/operator/z"), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(CallTest, WhatIsOutOfBoundsIsRefused) {
  const std::string child = "cdn-one/dc-one/lan-a/manager/z";
  const auto code_of = [&](const v1::LocateRequest& request) {
    return Call(child, request).error_code();
  };
  v1::LocateRequest request = Request();
  request.set_key("short");
  EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request();
  request.set_canonical_uri(kUri + "x");
  EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request();
  request.set_time_left_us(UINT64_MAX);
  EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request();
  for (int i = 0; i < 9; ++i) request.add_visited("cdn-one/dc-one/lan-a");
  EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT);
  request = Request();
  request.add_visited("cdn-one/dc-two");
  EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT) << "not below the asker";
  EXPECT_EQ(dc_one_.locator().open_questions(), 0U);
}

TEST_F(CallTest, WhoDoesNotLeadSendsAskersOn) {
  dc_one_.SetLeads(Unavailable("b leads, at 192.0.2.1:7400"));
  const grpc::Status status = Call("cdn-one/dc-one/lan-a/manager/z", Request());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "b leads, at 192.0.2.1:7400");
}

TEST_F(CallTest, PeopleFollowAQuestion) {
  PutFarCopy();
  const auto trace = [this](const std::string& identity, const std::string& uri,
                            v1::TraceReply& reply) {
    v1::TraceRequest request;
    request.set_uri(uri);
    request.set_trace(true);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(10));
    return StubOf(identity)->Trace(&context, request, &reply).error_code();
  };
  v1::TraceReply reply;
  EXPECT_EQ(trace("cdn-one/viewer/eve", kUri, reply), grpc::StatusCode::OK);
  EXPECT_EQ(reply.scope(), "cdn-one/dc-one");
  EXPECT_EQ(reply.site(), "films");
  EXPECT_EQ(reply.key(), ToString(kKey));
  ASSERT_EQ(reply.copies_size(), 1);
  EXPECT_EQ(reply.copies(0).clients(1), "[2001:db8::1]:80");
  EXPECT_EQ(reply.hops_size(), 3);
  reply.Clear();
  dc_two_.SetLeads(Unavailable("nobody leads"));
  EXPECT_EQ(trace("cdn-one/viewer/eve", kUri, reply), grpc::StatusCode::OK);
  ASSERT_EQ(reply.gaps_size(), 1);
  EXPECT_EQ(reply.gaps(0).text(), "cdn-one/dc-two was lost before it answered");
  EXPECT_EQ(trace("cdn-one/viewer/eve", "http://other.example/", reply),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(trace("cdn-one/dc-one/lan-a/viewer/eve", kUri, reply),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(trace("cdn-one/manager/m", kUri, reply), grpc::StatusCode::PERMISSION_DENIED);
}

// ---- Time, with a cable to the CDN that is cut.

class CableTest : public CallTest {
 protected:
  CableTest() {
    PutFarCopy();
    const std::string way = ToString(cable_.endpoint());
    EXPECT_TRUE(dc_one_.locator().SetParent(cdn_.own(), {way}).ok());
    // So that there is a connection.
    EXPECT_TRUE(Ask(dc_one_.locator(), QuestionOf("http://films.example/0", seconds(5))).ok());
  }

  TestCable cable_{cdn_.endpoint()};
};

TEST_F(CableTest, EqualQuestionsWaitForTheSameAnswer) {
  constexpr int kQuestions = 100;
  cable_.Cut();
  std::atomic<int> found = 0;
  for (int i = 0; i < kQuestions; ++i) {
    lan_.locator().Locate(QuestionOf(kUri, seconds(10)), [&](StatusOr<LocateAnswer> answer) {
      if (Copies(answer) == std::vector<LocatedCopy>{far_}) ++found;
    });
  }
  EXPECT_EQ(lan_.locator().open_questions(), size_t{kQuestions});
  cable_.Mend();
  EXPECT_TRUE(Eventually([&] { return found == kQuestions; })) << found;
  EXPECT_EQ(lan_.locator().counters().asked, 1U);
  EXPECT_EQ(lan_.locator().counters().joined, uint64_t{kQuestions - 1});
}

TEST_F(CableTest, ASilentNeighbourDoesNotKeepTheAnswer) {
  cable_.Cut();
  const Timestamp begun = Now();
  const StatusOr<LocateAnswer> answer = AskLan(seconds(2));
  const Duration took = Now() - begun;
  // The data center answers its farm in time: the gap is told by who saw it.
  EXPECT_EQ(Gaps(answer), (std::vector<LocateGap>{{"cdn-one", GapReason::kSilent}}));
  EXPECT_LT(took, seconds(3));
  EXPECT_GE(took, milliseconds(1600));
  EXPECT_EQ(lan_.locator().open_questions(), 0U);
}

TEST_F(CableTest, AWayThatWasCutIsFoundAgain) {
  cable_.Cut();
  EXPECT_FALSE(Gaps(AskLan(seconds(1))).empty());
  cable_.Mend();
  EXPECT_TRUE(Eventually([&] { return Copies(AskLan()) == std::vector<LocatedCopy>{far_}; }));
}

TEST_F(CableTest, ACallThatIsCancelledIsForgotten) {
  cable_.Cut();
  const auto stub = StubOf("cdn-one/dc-one/lan-a/manager/z");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(10));
  v1::LocateReply reply;
  std::thread call([&] {
    v1::LocateRequest request;
    ToProto(QuestionOf(kUri, seconds(9)), request);
    EXPECT_EQ(stub->Locate(&context, request, &reply).error_code(), grpc::StatusCode::CANCELLED);
  });
  EXPECT_TRUE(Eventually([this] { return dc_one_.locator().open_questions() == 1; }));
  context.TryCancel();
  call.join();
  EXPECT_TRUE(Eventually([this] { return dc_one_.locator().open_questions() == 0; }));
  EXPECT_EQ(dc_one_.locator().counters().partial, 0U) << "it has ended by its time";
}

TEST_F(CableTest, WhoIsForgottenIsNotAnswered) {
  cable_.Cut();
  const auto never = [](const StatusOr<LocateAnswer>&) { ADD_FAILURE() << "answered"; };
  const federation::QuestionId id =
      lan_.locator().Locate(QuestionOf(kUri, milliseconds(300)), never);
  EXPECT_TRUE(lan_.locator().Forget(id));
  EXPECT_FALSE(lan_.locator().Forget(id));
  EXPECT_EQ(lan_.locator().open_questions(), 0U);
}

TEST_F(CableTest, WhatIsOpenEndsWithItsAskersLinkAndWithTheManager) {
  cable_.Cut();
  std::thread call([&] {
    v1::LocateRequest request;
    ToProto(QuestionOf(kUri, seconds(9)), request);
    EXPECT_EQ(Call("cdn-one/dc-one/lan-a/manager/z", request).error_code(),
              grpc::StatusCode::UNAVAILABLE);
  });
  EXPECT_TRUE(Eventually([this] { return dc_one_.locator().open_questions() == 1; }));
  dc_one_.locator().RemoveChild("cdn-one/dc-one/lan-a");
  call.join();
  StatusOr<LocateAnswer> ended = LocateAnswer();
  dc_one_.locator().Locate(QuestionOf(kUri, seconds(9)),
                           [&](StatusOr<LocateAnswer> answer) { ended = std::move(answer); });
  dc_one_.locator().Stop();
  EXPECT_EQ(ended.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Ask(dc_one_.locator(), QuestionOf(kUri, seconds(1))).status().code(),
            StatusCode::kUnavailable);
}

// ---- Purges.

TEST_F(LocatorTest, AnswersFromBeforeAPurgeAreNotGivenAfterIt) {
  PutFarCopy();
  EXPECT_EQ(Copies(AskLan()), std::vector<LocatedCopy>{far_});
  lan_.locator().OnPurge("films", 1, {&kKey, 1});
  // The others have not applied it yet: what they know is of before.
  const StatusOr<LocateAnswer> behind = AskLan();
  EXPECT_EQ(Copies(behind), std::vector<LocatedCopy>{});
  EXPECT_EQ(Gaps(behind), (std::vector<LocateGap>{{"cdn-one/dc-one", GapReason::kBehind}}));
  for (TestManager* manager : {&dc_one_, &cdn_, &dc_two_}) {
    manager->locator().OnPurge("films", 1, {&kKey, 1});
  }
  EXPECT_EQ(Copies(AskLan()), std::vector<LocatedCopy>{far_}) << "it was fetched again";
  lan_.locator().RestorePurges("films", 7);
  EXPECT_FALSE(Gaps(Ask(lan_.locator(), QuestionOf("http://films.example/2", seconds(5)))).empty())
      << "what was purged before the start is not known content by content";
  lan_.locator().RemoveSite("films");
  EXPECT_TRUE(Gaps(Ask(lan_.locator(), QuestionOf("http://films.example/3", seconds(5)))).empty());
}

}  // namespace
}  // namespace strata::manager::locating
