#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/testing/test_cable.h"
#include "common/tls/grpc_credentials.h"
#include "service_manager/control/audit_log.h"
#include "service_manager/control/test_farm.h"
#include "service_manager/hierarchy/test_manager.h"
#include "service_manager/store/rocks_store.h"

// Managers that are attached to each other, over real connections.
namespace strata::manager::hierarchy {
namespace {

using control::testing::Eventually;
using federation::ScopeLevel;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::TestManager;
using Names = std::vector<std::string>;

constexpr Duration kPatience = seconds(20);
const ScopeLevel kExchange{.scope = "exchange", .level = 4};
const ScopeLevel kCdn{.scope = "cdn-one", .level = 3};
const ScopeLevel kDataCenter{.scope = "cdn-one/dc-a", .level = 2};
const ScopeLevel kFarm{.scope = "cdn-one/dc-a/lan-a", .level = 1};

TestManager::Parents To(const TestManager& parent) {
  return [address = parent.address()] { return Names{address}; };
}

std::string NewFolder() {
  std::string path = ::testing::TempDir() + "/hierarchy-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

class HierarchyTest : public ::testing::Test {
 protected:
  ~HierarchyTest() override {
    audit_store_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Each name has a certificate of its own.
  std::unique_ptr<TestManager> New(const ScopeLevel& own, const std::string& name) {
    return std::make_unique<TestManager>(authority_, guard_, own, name);
  }
  std::unique_ptr<TestManager> New(const ScopeLevel& own) {
    return New(own, "sm-" + std::to_string(++managers_));
  }
  static bool Attached(TestManager& child) {
    return child.attachment().Await([](const auto& state) { return state.connected; }, kPatience);
  }
  static bool Lost(TestManager& child) {
    return child.attachment().Await([](const auto& state) { return !state.connected; }, kPatience);
  }
  // Whether the child comes to say why it is not attached, in these words.
  static bool Complains(TestManager& child, const std::string& words) {
    return child.attachment().Await(
        [&](const auto& state) {
          return !state.connected && MessageOf(state.last).find(words) != std::string::npos;
        },
        kPatience);
  }
  static std::string Last(TestManager& child) { return ToString(child.attachment().state().last); }

  const std::string folder_ = NewFolder();
  tls::TestAuthority authority_{folder_};
  const std::shared_ptr<tls::TlsStore> tls_ =
      *tls::TlsStore::Open(authority_.Issue("strata://exchange/manager/guard"));
  std::unique_ptr<store::RocksStore> audit_store_ =
      *store::RocksStore::Open({.folder = folder_ + "/audit"});
  control::AuditLog audit_{*audit_store_};
  MetricRegistry metrics_;
  // An exchange's: of managers of any scope.
  rpc::Guard guard_{tls_, kExchange.scope, audit_, metrics_, true};
  int managers_ = 0;
};

TEST_F(HierarchyTest, AParentKnowsItsChild) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm, "a");
  child->Change([](OwnPart& own) {
    own.part.front_ends = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")};
    own.part.policy.policy.rules = {{.forward = federation::Forward::kScope}};
    own.locations = 12;
    own.sites = 2;
  });
  child->AttachTo(To(*parent), 7);
  ASSERT_TRUE(Attached(*child)) << Last(*child);
  ASSERT_TRUE(Eventually([&] {
    const std::vector<ChildNow> children = parent->children().children();
    return children.size() == 1 && !children[0].part.managers.empty();
  }));
  const ChildNow known = parent->children().children()[0];
  EXPECT_TRUE(known.connected);
  EXPECT_EQ(known.hello.child, kFarm);
  EXPECT_EQ(known.hello.epoch, 7U);
  EXPECT_EQ(known.manager, "a");
  EXPECT_EQ(known.part.managers[0].address, child->address());
  EXPECT_EQ(known.part.front_ends.size(), 2U);
  EXPECT_EQ(known.part.policy.policy.rules.size(), 1U);
  EXPECT_TRUE(Eventually([&] {
    const Subtree tree = parent->tree().At(Timestamp()).report.subtree;
    return tree.scopes[1].locations == 12 && tree.scopes[1].engines == 3;
  }));
  parent->children().WithLoads([](const routing::ScopeLoadTable& loads) {
    EXPECT_TRUE(loads.entries().contains(kFarm.scope));
  });
  child->Change([](OwnPart& own) { own.part.front_ends.pop_back(); });
  EXPECT_TRUE(
      Eventually([&] { return parent->children().children()[0].part.front_ends.size() == 1; }));
}

TEST_F(HierarchyTest, TheTopKnowsTheWholeTreeAndTheBottomWhatIsAbove) {
  const auto exchange = New(kExchange);
  const auto cdn = New(kCdn);
  const auto center = New(kDataCenter);
  const auto farm = New(kFarm);
  center->Change([](OwnPart& own) {
    own.part.policy = {
        .policy = {.rules = {{.site = "films", .forward = federation::Forward::kScope}}},
        .hosts = {{"films", "films.example"}}};
  });
  farm->AttachTo(To(*center));
  center->AttachTo(To(*cdn));
  cdn->AttachTo(To(*exchange));
  EXPECT_TRUE(Eventually([&] {
    return exchange->Scopes() == Names{"exchange", "cdn-one", "cdn-one/dc-a", "cdn-one/dc-a/lan-a"};
  }));
  const auto above_is = [](TestManager& manager, const std::vector<ScopeLevel>& places) {
    return manager.attachment().Await(
        [&](const auto& state) {
          std::vector<ScopeLevel> above;
          for (const ChainLink& link : state.above) above.push_back(link.place);
          return above == places;
        },
        kPatience);
  };
  EXPECT_TRUE(above_is(*farm, {kDataCenter, kCdn, kExchange}));
  const Chain above = farm->attachment().state().above;
  EXPECT_EQ(above[0].policy.policy.rules.size(), 1U);
  EXPECT_EQ(above[0].policy.hosts.at("films"), "films.example");

  center->Change([](OwnPart& own) { own.part.policy = {}; });
  EXPECT_TRUE(farm->attachment().Await(
      [](const auto& state) { return state.above[0].policy == LinkPolicy(); }, kPatience))
      << "another policy is told";
}

TEST_F(HierarchyTest, WhoIsAwayStaysInTheTreeAsSuch) {
  const auto exchange = New(kExchange);
  const auto cdn = New(kCdn);
  const auto farm = New(kFarm);
  farm->AttachTo(To(*cdn));
  cdn->AttachTo(To(*exchange));
  const Names all = {"exchange", "cdn-one", "cdn-one/dc-a/lan-a"};
  ASSERT_TRUE(Eventually([&] { return exchange->Scopes() == all; }));
  farm->Detach();
  const Names away = {"exchange", "cdn-one", "cdn-one/dc-a/lan-a (away)"};
  EXPECT_TRUE(Eventually([&] { return exchange->Scopes() == away; }));
  cdn->children().Forget(kFarm.scope);
  EXPECT_TRUE(Eventually([&] { return exchange->Scopes() == Names{"exchange", "cdn-one"}; }));
}

TEST_F(HierarchyTest, TheManagerThatTakesOverTakesTheChildsPlace) {
  const auto parent = New(kCdn);
  const auto before = New(kFarm, "a");
  const auto after = New(kFarm, "b");
  before->AttachTo(To(*parent), 5);
  ASSERT_TRUE(Attached(*before)) << Last(*before);
  after->AttachTo(To(*parent), 6);
  ASSERT_TRUE(Attached(*after)) << Last(*after);
  EXPECT_TRUE(Complains(*before, "deposed")) << Last(*before);
  EXPECT_GE(parent->refused(), 1);
  ASSERT_EQ(parent->children().children().size(), 1U);
  EXPECT_EQ(parent->children().children()[0].manager, "b");
  EXPECT_TRUE(parent->children().children()[0].connected) << "not disturbed by the deposed one";

  before->Detach();
  after->Detach();
  EXPECT_TRUE(Eventually([&] { return !parent->children().children()[0].connected; }));
  before->AttachTo(To(*parent), 5);
  EXPECT_TRUE(Complains(*before, "deposed")) << "also while nobody is attached";
}

TEST_F(HierarchyTest, AChildFollowsTheParentThatLeads) {
  const auto first = New(kCdn, "a");
  const auto second = New(kCdn, "b");
  second->SetLeads(Unavailable("a leads cdn-one, at 192.0.2.1:7400"));
  const auto child = New(kFarm);
  child->AttachTo([&] { return Names{second->address()}; });
  ASSERT_TRUE(Complains(*child, "a leads cdn-one, at 192.0.2.1:7400")) << Last(*child);
  child->AttachTo([&] { return Names{second->address(), first->address()}; });
  ASSERT_TRUE(Attached(*child)) << Last(*child);
  EXPECT_EQ(child->attachment().state().parent, first->address());

  first->SetLeads(Unavailable("b leads cdn-one"));
  second->SetLeads(Ok());
  first->service().EndAll(Unavailable("this manager does not lead any more"));
  EXPECT_TRUE(child->attachment().Await(
      [&](const auto& state) { return state.connected && state.parent == second->address(); },
      kPatience))
      << Last(*child);
  EXPECT_TRUE(Eventually([&] { return second->Scopes() == Names{"cdn-one", kFarm.scope}; }));
  EXPECT_EQ(first->Scopes(), (Names{"cdn-one", kFarm.scope + " (away)"}));
}

TEST_F(HierarchyTest, AParentThatLeadsNoMoreTakesNoReport) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm);
  child->AttachTo(To(*parent));
  ASSERT_TRUE(Attached(*child));
  parent->SetLeads(Unavailable("b leads cdn-one"));
  EXPECT_TRUE(Complains(*child, "b leads cdn-one")) << Last(*child);
}

TEST_F(HierarchyTest, ScopesAndLevelsThatDoNotFitAreRefused) {
  const auto parent = New(kCdn);
  const auto foreign = New({.scope = "cdn-two/lan-a", .level = 1});
  foreign->AttachTo(To(*parent));
  EXPECT_TRUE(Complains(*foreign, "does not lie within the parent's")) << Last(*foreign);
  const auto high = New({.scope = "cdn-one/dc-a", .level = 3});
  high->AttachTo(To(*parent));
  EXPECT_TRUE(Complains(*high, "the level of a parent is higher")) << Last(*high);
  const auto same = New(kCdn);
  same->AttachTo(To(*parent));
  EXPECT_TRUE(Complains(*same, "cannot hang under cdn-one (level 3)")) << Last(*same);
  const auto farm = New(kFarm);
  const auto below_farm = New({.scope = kFarm.scope + "/x", .level = 1});
  below_farm->AttachTo(To(*farm));
  EXPECT_TRUE(Complains(*below_farm, "level 1 has engines, no children")) << Last(*below_farm);
  EXPECT_GE(parent->refused(), 2);
  EXPECT_TRUE(parent->children().children().empty());
}

TEST_F(HierarchyTest, AScopeHasOneWayUp) {
  const auto parent = New(kCdn);
  const auto center = New(kDataCenter);
  const auto farm = New(kFarm);
  center->AttachTo(To(*parent));
  ASSERT_TRUE(Attached(*center));
  farm->AttachTo(To(*parent));
  EXPECT_TRUE(Complains(*farm, "it would have two ways up")) << Last(*farm);
  center->Detach();
  ASSERT_TRUE(Attached(*farm)) << "another tree: " << Last(*farm);
  EXPECT_TRUE(Eventually([&] { return parent->Scopes() == Names{"cdn-one", kFarm.scope}; }));
}

TEST_F(HierarchyTest, ARevokedChildIsHeardNoMore) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm);
  child->AttachTo(To(*parent));
  ASSERT_TRUE(Attached(*child));
  authority_.Revoke(child->paths());
  ASSERT_TRUE(tls_->Reload().ok());
  EXPECT_TRUE(Complains(*child, "revoked")) << Last(*child);
  EXPECT_TRUE(Eventually([&] { return !parent->children().children()[0].connected; }));
  EXPECT_GE(parent->refused(), 1);
}

TEST_F(HierarchyTest, ARevokedParentIsToldNoMore) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm);
  child->AttachTo(To(*parent));
  ASSERT_TRUE(Attached(*child));
  authority_.Revoke(parent->paths());
  ASSERT_TRUE(child->tls().Reload().ok());
  EXPECT_TRUE(Lost(*child));
}

TEST_F(HierarchyTest, ACutCableIsNoticedByBoth) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm);
  TestCable cable(parent->endpoint());
  child->AttachTo([&] { return Names{ToString(cable.endpoint())}; });
  ASSERT_TRUE(Attached(*child));
  cable.Cut();
  EXPECT_TRUE(Lost(*child));
  EXPECT_TRUE(Eventually([&] { return !parent->children().children()[0].connected; }));
  EXPECT_EQ(child->attachment().state().above.size(), 1U) << "it remembers what is above";
  cable.Mend();
  EXPECT_TRUE(Attached(*child)) << Last(*child);
  cable.Cut();
  const absl::Time begun = absl::Now();
  child->Detach();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(1));
}

TEST_F(HierarchyTest, WhoHasNothingNewToSayIsNotSilent) {
  const auto parent = New(kCdn);
  const auto child = New(kFarm);
  child->AttachTo(To(*parent));
  ASSERT_TRUE(Attached(*child));
  EXPECT_FALSE(
      child->attachment().Await([](const auto& state) { return !state.connected; }, seconds(5)));
}

// ---- What only a child says that is not one of ours.

class RawChild {
 public:
  RawChild(tls::TestAuthority& authority, const ScopeLevel& own, const std::string& parent)
      : tls_(*tls::TlsStore::Open(authority.Issue("strata://" + own.scope + "/manager/raw"))),
        channel_(grpc::CreateChannel(parent, tls::MakeChannelCredentials(tls_))),
        stream_(v1::Hierarchy::NewStub(channel_)->Attach(&context_)) {
    hello_ = ToRequest(AttachHello{.child = own, .epoch = 1, .version = "0"});
  }

  v1::AttachRequest& hello() { return hello_; }
  bool Begin() {
    v1::AttachReply welcome;
    return stream_->Write(hello_) && stream_->Read(&welcome) && welcome.has_welcome();
  }
  void Say(const v1::AttachRequest& request) { stream_->Write(request); }
  // How its parent ends the stream.
  Status End() {
    v1::AttachReply reply;
    while (stream_->Read(&reply)) {
    }
    const grpc::Status finished = stream_->Finish();
    return MakeStatus(static_cast<StatusCode>(finished.error_code()), finished.error_message());
  }

 private:
  const std::shared_ptr<tls::TlsStore> tls_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AttachRequest, v1::AttachReply>> stream_;
  v1::AttachRequest hello_;
};

TEST_F(HierarchyTest, WhatAChildMayNotSayEndsItsStreamAndChangesNothing) {
  const auto parent = New(kCdn);
  const auto refusal = [&](const v1::AttachRequest& request) {
    RawChild child(authority_, kFarm, parent->address());
    EXPECT_TRUE(child.Begin());
    const double before = parent->refused();
    child.Say(request);
    const Status end = child.End();
    EXPECT_TRUE(Eventually([&] { return parent->refused() == before + 1; })) << ToString(end);
    return end.code();
  };
  v1::AttachRequest request = ToRequest(AttachHello{.child = kFarm, .version = "0"});
  EXPECT_EQ(refusal(request), StatusCode::kInvalidArgument) << "a second hello";
  request = ToRequest(ChildPart{});
  request.mutable_part()->add_front_ends("nowhere");
  EXPECT_EQ(refusal(request), StatusCode::kInvalidArgument);
  const routing::ScopeReport own_load{.scope = kFarm.scope, .age = {}, .load = {}, .impaired = {}};
  const Subtree own_tree{.scopes = {{.place = kFarm}}};
  ChildReport report{.load = {own_load}, .subtree = own_tree};
  report.subtree.scopes.push_back(
      {.place = {.scope = "cdn-one/dc-b", .level = 1}, .parent = kFarm.scope});
  EXPECT_EQ(refusal(ToRequest(report)), StatusCode::kFailedPrecondition) << "not beneath it";
  report = {.load = {own_load}, .subtree = own_tree};
  report.load.push_back(own_load);
  report.load.back().scope = "cdn-two";
  EXPECT_EQ(refusal(ToRequest(report)), StatusCode::kPermissionDenied) << "not beneath it";
  EXPECT_EQ(parent->Scopes(), (Names{"cdn-one", kFarm.scope + " (away)"}));
  parent->children().WithLoads(
      [](const routing::ScopeLoadTable& loads) { EXPECT_TRUE(loads.entries().empty()); });
}

TEST_F(HierarchyTest, AHelloThatDoesNotFitIsRefused) {
  const auto parent = New(kCdn);
  const auto refusal = [&](const std::function<void(v1::AttachHello&)>& change) {
    RawChild child(authority_, kFarm, parent->address());
    change(*child.hello().mutable_hello());
    EXPECT_FALSE(child.Begin());
    return child.End();
  };
  EXPECT_EQ(refusal([](v1::AttachHello& hello) { hello.set_scope("cdn-one/dc-b"); }).code(),
            StatusCode::kPermissionDenied)
      << "not that of its certificate";
  EXPECT_EQ(refusal([](v1::AttachHello& hello) { hello.set_level(3); }).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(refusal([](v1::AttachHello& hello) { hello.set_protocol(2); }).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(parent->refused(), 3);
}

TEST_F(HierarchyTest, WhoIsSilentIsGivenUp) {
  const auto parent = New(kCdn);
  RawChild child(authority_, kFarm, parent->address());
  ASSERT_TRUE(child.Begin());
  EXPECT_EQ(child.End().code(), StatusCode::kCancelled);
  EXPECT_TRUE(Eventually([&] { return !parent->children().children()[0].connected; }));
}

// ---- What people ask.

class ViewsTest : public HierarchyTest {
 protected:
  // Asks with the certificate of `who`, strata://SCOPE/ROLE/NAME.
  template <class Request, class Reply>
  grpc::Status Ask(grpc::Status (v1::Hierarchy::Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Reply*),
                   const TestManager& manager, const Request& request, Reply& reply,
                   const std::string& who = "strata://exchange/viewer/bob") {
    const std::shared_ptr<tls::TlsStore> tls = *tls::TlsStore::Open(authority_.Issue(who));
    const auto channel = grpc::CreateChannel(manager.address(), tls::MakeChannelCredentials(tls));
    grpc::ClientContext context;
    return ((*v1::Hierarchy::NewStub(channel)).*method)(&context, request, &reply);
  }
};

TEST_F(ViewsTest, TheTreeIsShownToViewers) {
  const auto cdn = New(kCdn);
  const auto center = New(kDataCenter);
  const auto farm = New(kFarm);
  farm->AttachTo(To(*center));
  center->AttachTo(To(*cdn));
  v1::TreeReply reply;
  ASSERT_TRUE(Eventually([&] {
    return Ask(&v1::Hierarchy::Stub::Tree, *center, v1::TreeRequest(), reply).ok() &&
           reply.scopes_size() == 2 && reply.scopes(1).has_load() && reply.attached();
  }));
  EXPECT_EQ(reply.scopes(0).scope(), "cdn-one/dc-a");
  EXPECT_EQ(reply.scopes(0).engines(), 3U);
  EXPECT_EQ(reply.scopes(1).parent(), "cdn-one/dc-a");
  EXPECT_EQ(reply.scopes(1).load().engines(), 3U);
  EXPECT_TRUE(reply.scopes(1).heard());
  EXPECT_TRUE(reply.has_parent());
  ASSERT_EQ(reply.above_size(), 1);
  EXPECT_EQ(reply.above(0).scope(), "cdn-one");

  ASSERT_TRUE(Ask(&v1::Hierarchy::Stub::Tree, *cdn, v1::TreeRequest(), reply).ok());
  EXPECT_FALSE(reply.has_parent());

  cdn->SetLeads(Unavailable("b leads cdn-one"));
  EXPECT_EQ(Ask(&v1::Hierarchy::Stub::Tree, *cdn, v1::TreeRequest(), reply).error_message(),
            "b leads cdn-one");
  EXPECT_EQ(
      Ask(&v1::Hierarchy::Stub::Tree, *cdn, v1::TreeRequest(), reply, "strata://cdn-one/manager/c")
          .error_code(),
      grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ViewsTest, APolicyIsShownAndTested) {
  const auto exchange = New(kExchange);
  const auto cdn = New(kCdn);
  const auto farm = New(kFarm);
  v1::PolicyReply reply;
  EXPECT_EQ(Ask(&v1::Hierarchy::Stub::Policy, *cdn, v1::PolicyRequest(), reply).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION)
      << "no parent";
  cdn->Change([](OwnPart& own) {
    own.part.policy = {
        .policy = {.rules = {{.site = "films", .forward = federation::Forward::kScope}}},
        .hosts = {{"films", "films.example"}}};
  });
  farm->AttachTo(To(*cdn));
  cdn->AttachTo(To(*exchange));
  ASSERT_TRUE(farm->attachment().Await([](const auto& state) { return state.above.size() == 2; },
                                       kPatience));
  v1::PolicyRequest request;
  request.set_uri("http://films.example/a.mp4");
  ASSERT_TRUE(Ask(&v1::Hierarchy::Stub::Policy, *farm, request, reply).ok());
  EXPECT_EQ(reply.rules(0).text(), "no rule: full");
  EXPECT_FALSE(reply.rules(0).has_hits());
  EXPECT_EQ(reply.test().library_rule(), "no rule: full");
  ASSERT_EQ(reply.test().known_above_size(), 2);
  EXPECT_EQ(reply.test().known_above(0),
            "cdn-one (level 3) will know the engine that has it: no rule: full of "
            "cdn-one/dc-a/lan-a");
  EXPECT_EQ(reply.test().known_above(1),
            "exchange (level 4) will know that cdn-one has it: rule 1 (site films: scope) of "
            "cdn-one");
  request.set_uri("films");
  EXPECT_EQ(Ask(&v1::Hierarchy::Stub::Policy, *farm, request, reply).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace strata::manager::hierarchy
