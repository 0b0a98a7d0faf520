#include "service_manager/hierarchy/attachment_messages.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "service_manager/hierarchy/limits.h"

namespace strata::manager::hierarchy {
namespace {

using std::chrono::milliseconds;

LinkPolicy SomePolicy() {
  return {.policy = {.rules = {{.site = "films",
                                .kind = farm::AssetKind::kLibrary,
                                .forward = federation::Forward::kScope},
                               {.uri_prefix = "http://news.example/live/",
                                .kind = farm::AssetKind::kCache,
                                .forward = federation::Forward::kNone}},
                     .batching_delay = milliseconds(20)},
          .hosts = {{"films", "films.example"}}};
}

ChildPart SomePart() {
  return {.managers = {{.name = "a", .address = "192.0.2.1:7400", .state = ManagerState::kLeads},
                       {.name = "b", .address = "sm-2:7400", .state = ManagerState::kBackup}},
          .front_ends = {*Endpoint::Parse("192.0.2.1:80"), *Endpoint::Parse("[2001:db8::1]:80")},
          .policy = SomePolicy()};
}

ChildReport SomeReport() {
  ChildReport report;
  report.load = {{.scope = "cdn-one/lan-a",
                  .age = milliseconds(7),
                  .load = {.engines = 2, .worst = 0.5, .mean = 0.25},
                  .impaired = {}}};
  report.subtree.scopes = {
      {.place = {.scope = "cdn-one/lan-a", .level = 1},
       .parent = "cdn-one",
       .heard = false,
       .age = milliseconds(1500),
       .version = "0.2.0",
       .managers = SomePart().managers,
       .locations = 1'000'000'000'000,
       .engines = 3,
       .engines_up = 2,
       .sites = 12,
       .up = LinkUp{.connected = true, .waiting_records = 5, .dirty_ranges = 6, .acknowledged = 7},
       .hides_copies = true}};
  report.subtree.left_out = 4;
  return report;
}

TEST(AttachmentMessagesTest, WhatIsSaidIsHeard) {
  const AttachHello hello{
      .child = {.scope = "cdn-one/lan-a", .level = 1}, .epoch = 9, .version = "0.2.0"};
  EXPECT_EQ(*FromProto(ToRequest(hello)), hello);
  const ChildPart part = SomePart();
  EXPECT_EQ(*FromProto(ToRequest(part).part()), part);
  const ChildReport report = SomeReport();
  EXPECT_EQ(*FromProto(ToRequest(report).report()), report);
  const AttachWelcome welcome{
      .parent = {.scope = "cdn-one", .level = 3},
      .version = "0.2.0",
      .chain = {{.place = {.scope = "cdn-one", .level = 3}, .policy = SomePolicy()},
                {.place = {.scope = "exchange", .level = 4}}}};
  EXPECT_EQ(*FromProto(ToReply(welcome)), welcome);
  EXPECT_EQ(*FromProto(ToReply(welcome.chain).chain()), welcome.chain);
  EXPECT_EQ(CheckChain(welcome.parent, welcome.chain), Ok());
}

TEST(AttachmentMessagesTest, AnotherProtocolOrAnotherFirstMessageIsRefused) {
  v1::AttachRequest hello =
      ToRequest(AttachHello{.child = {.scope = "cdn-one", .level = 3}, .version = "0.2.0"});
  hello.mutable_hello()->set_protocol(2);
  EXPECT_EQ(FromProto(hello).status().code(), StatusCode::kFailedPrecondition);
  hello.mutable_hello()->set_protocol(1);
  EXPECT_TRUE(FromProto(hello).ok());
  hello.mutable_hello()->set_version("\x1b[2J");
  EXPECT_FALSE(FromProto(hello).ok());
  EXPECT_FALSE(FromProto(ToRequest(SomePart())).ok());
  EXPECT_FALSE(FromProto(ToReply(Chain())).ok());
}

TEST(AttachmentMessagesTest, APartThatIsOutOfBoundsIsRefused) {
  const auto refused = [](auto change) {
    v1::AttachRequest request = ToRequest(SomePart());
    change(*request.mutable_part());
    return FromProto(request.part()).status().code() == StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](v1::ChildPart&) {}));
  EXPECT_TRUE(refused([](v1::ChildPart& part) { part.add_managers(); }));
  EXPECT_TRUE(refused([](v1::ChildPart& part) {
    for (size_t i = 0; i < kManagersPerScopeMax; ++i) *part.add_managers() = part.managers(0);
  }));
  for (const char* front_end : {"", "films.example:80", "192.0.2.1", "192.0.2.1:0", "0.0.0.0:80",
                                "[ff02::1]:80", "239.1.2.3:80"}) {
    EXPECT_TRUE(refused([&](v1::ChildPart& part) { part.add_front_ends(front_end); })) << front_end;
  }
  EXPECT_TRUE(refused([](v1::ChildPart& part) {
    for (size_t i = 0; i < kFrontEndsMax; ++i) part.add_front_ends("192.0.2.1:80");
  }));
}

TEST(AttachmentMessagesTest, APolicyThatIsNoneIsRefused) {
  const auto refused = [](auto change) {
    v1::AttachRequest request = ToRequest(SomePart());
    change(*request.mutable_part()->mutable_policy());
    return FromProto(request.part()).status().code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) { policy.add_rules(); })) << "no forward";
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) {
    policy.mutable_rules(0)->set_kind(static_cast<v1::PolicyKind>(77));
  }));
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) {
    policy.mutable_rules(0)->set_site_host("Films.Example");
  })) << "not as sites have it";
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) { policy.set_batching_delay_ns(-1); }));
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) { policy.mutable_rules(1)->clear_site(); }) ||
              refused([](v1::LinkPolicy& policy) { *policy.add_rules() = policy.rules(0); }))
      << "a rule that never matches";
  EXPECT_TRUE(refused([](v1::LinkPolicy& policy) {
    for (size_t i = 0; i < federation::kForwardingRulesMax; ++i) policy.add_rules();
  }));
}

TEST(AttachmentMessagesTest, AReportThatIsOutOfBoundsIsRefused) {
  v1::AttachRequest request = ToRequest(SomeReport());
  request.mutable_report()->set_load("x");
  EXPECT_FALSE(FromProto(request.report()).ok());
  request = ToRequest(SomeReport());
  for (size_t i = 0; i < kSubtreeScopesMax; ++i) request.mutable_report()->add_scopes();
  EXPECT_FALSE(FromProto(request.report()).ok());
}

TEST(AttachmentMessagesTest, AgesAndStatesOfLaterVersionsDoNoHarm) {
  v1::AttachRequest request = ToRequest(SomeReport());
  v1::SubtreeScope& scope = *request.mutable_report()->mutable_scopes(0);
  scope.set_age_ms(UINT64_MAX);
  scope.mutable_managers(0)->set_state(static_cast<v1::ManagerState>(77));
  const StatusOr<ChildReport> report = FromProto(request.report());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->subtree.scopes[0].age, std::chrono::hours(24 * 365));
  EXPECT_EQ(report->subtree.scopes[0].managers[0].state, ManagerState::kAway);
}

TEST(AttachmentMessagesTest, AChainLeadsUp) {
  const auto link = [](const std::string& scope, uint32_t level) {
    return ChainLink{.place = {.scope = scope, .level = level}};
  };
  const federation::ScopeLevel parent{.scope = "cdn-one/dc-a", .level = 2};
  EXPECT_EQ(CheckChain(parent, {link("cdn-one/dc-a", 2), link("exchange", 4)}), Ok());
  EXPECT_FALSE(CheckChain(parent, {}).ok());
  EXPECT_FALSE(CheckChain(parent, {link("cdn-one", 3)}).ok());
  EXPECT_FALSE(CheckChain(parent, {link("cdn-one/dc-a", 2), link("cdn-one/dc-a", 2)}).ok());
  EXPECT_FALSE(CheckChain(parent, {link("cdn-one/dc-a", 2), link("cdn-two", 3)}).ok());
  v1::Chain many;
  for (size_t i = 0; i <= kChainMax; ++i) many.add_links();
  EXPECT_FALSE(FromProto(many).ok());
}

}  // namespace
}  // namespace strata::manager::hierarchy
