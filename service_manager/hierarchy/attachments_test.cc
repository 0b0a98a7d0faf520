#include "service_manager/hierarchy/attachments.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "service_manager/hierarchy/own_tree.h"

namespace strata::manager::hierarchy {
namespace {

using federation::ScopeLevel;
using std::chrono::milliseconds;
using std::chrono::seconds;

AttachHello Hello(const std::string& scope, uint32_t level, uint64_t epoch = 1) {
  return {.child = {.scope = scope, .level = level}, .epoch = epoch, .version = "0.2.0"};
}

routing::ScopeReport Load(const std::string& scope, double worst) {
  return {.scope = scope,
          .age = {},
          .load = {.engines = 2, .worst = worst, .mean = worst},
          .impaired = {}};
}

SubtreeScope Scope(const std::string& scope, uint32_t level, const std::string& parent) {
  return {.place = {.scope = scope, .level = level},
          .parent = parent,
          .version = "0.2.0",
          .engines = 3,
          .engines_up = 2};
}

ChildReport ReportOf(const std::string& scope, uint32_t level = 1) {
  return {.load = {Load(scope, 0.5)}, .subtree = {.scopes = {Scope(scope, level, "")}}};
}

class AttachmentsTest : public ::testing::Test {
 protected:
  void Attach(const AttachHello& hello) {
    ASSERT_EQ(children_.OnAttached(hello, "a", now_), Ok());
    const auto& [scope, level] = hello.child;
    ASSERT_EQ(children_.OnReport(scope, ReportOf(scope, level), now_), Ok());
  }
  std::vector<std::string> Known() const {
    std::vector<std::string> known;
    for (const ChildNow& child : children_.children()) {
      known.push_back(child.hello.child.scope + (child.connected ? "" : " (away)"));
    }
    return known;
  }
  std::vector<std::string> Loaded() const {
    std::vector<std::string> loaded;
    children_.WithLoads([&](const routing::ScopeLoadTable& loads) {
      for (const auto& [scope, _] : loads.entries()) loaded.push_back(scope);
    });
    return loaded;
  }

  using Names = std::vector<std::string>;

  Timestamp now_ = Timestamp() + seconds(100);
  int changes_ = 0;
  Attachments children_{[this] { ++changes_; }};
};

TEST_F(AttachmentsTest, KeepsWhatItKnewUntilToldToForget) {
  Attach(Hello("cdn-one/lan-a", 1));
  children_.OnPart("cdn-one/lan-a", {.front_ends = {*Endpoint::Parse("192.0.2.1:80")}}, now_);
  now_ += seconds(5);
  children_.OnDetached("cdn-one/lan-a", now_);
  EXPECT_EQ(Known(), Names{"cdn-one/lan-a (away)"});
  EXPECT_EQ(children_.children()[0].heard, now_);
  EXPECT_EQ(children_.children()[0].part.front_ends.size(), 1U);
  EXPECT_EQ(Loaded(), Names{"cdn-one/lan-a"});
  ASSERT_EQ(children_.routed_children().size(), 1U);
  EXPECT_FALSE(children_.routed_children()[0].connected);
  EXPECT_EQ(children_.routed_children()[0].front_ends.size(), 1U);
  children_.Forget("cdn-one/lan-a");
  EXPECT_EQ(Known(), Names{});
  EXPECT_EQ(Loaded(), Names{});
}

TEST_F(AttachmentsTest, ForgetsNobodyWhoIsThere) {
  Attach(Hello("cdn-one/lan-a", 1));
  children_.Forget("cdn-one/lan-a");
  EXPECT_EQ(Known(), Names{"cdn-one/lan-a"});
}

TEST_F(AttachmentsTest, TellsOfChangesAndNotOfEachReport) {
  Attach(Hello("cdn-one/lan-a", 1));
  EXPECT_EQ(changes_, 1);
  ASSERT_EQ(children_.OnReport("cdn-one/lan-a", ReportOf("cdn-one/lan-a"), now_), Ok());
  EXPECT_EQ(changes_, 1);
  children_.OnPart("cdn-one/lan-a", {}, now_);
  EXPECT_EQ(changes_, 2);
  children_.OnDetached("cdn-one/lan-a", now_);
  EXPECT_EQ(changes_, 3);
}

TEST_F(AttachmentsTest, ADeposedManagerIsRefusedAlsoWhenNobodyIsAttached) {
  Attach(Hello("cdn-one/lan-a", 1, 5));
  children_.OnDetached("cdn-one/lan-a", now_);
  EXPECT_EQ(children_.OnAttached(Hello("cdn-one/lan-a", 1, 4), "b", now_).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Known(), Names{"cdn-one/lan-a (away)"});
  EXPECT_EQ(children_.OnAttached(Hello("cdn-one/lan-a", 1, 6), "b", now_), Ok());
  EXPECT_EQ(children_.children()[0].manager, "b");
}

TEST_F(AttachmentsTest, AnotherTreeTakesThePlaceOfChildrenThatAreAway) {
  Attach(Hello("cdn-one/dc-a/lan-a", 1));
  Attach(Hello("cdn-one/dc-b", 2));
  children_.OnDetached("cdn-one/dc-a/lan-a", now_);
  Attach(Hello("cdn-one/dc-a", 2));
  EXPECT_EQ(Known(), (Names{"cdn-one/dc-a", "cdn-one/dc-b"}));
  EXPECT_EQ(Loaded(), (Names{"cdn-one/dc-a", "cdn-one/dc-b"}));
}

TEST_F(AttachmentsTest, KnowsNoMoreThanItsLimit) {
  for (size_t i = 0; i < kChildrenKnownMax + 10; ++i) {
    const std::string scope = "cdn-one/lan-" + std::to_string(i);
    Attach(Hello(scope, 1));
    now_ += seconds(1);
    children_.OnDetached(scope, now_);
  }
  EXPECT_EQ(Known().size(), kChildrenKnownMax);
  EXPECT_EQ(Loaded().size(), kChildrenKnownMax);
  EXPECT_EQ(children_.OnAttached(Hello("cdn-one/lan-9", 1, 0), "a", now_), Ok()) << "forgotten";
  EXPECT_FALSE(children_.OnAttached(Hello("cdn-one/lan-50", 1, 0), "a", now_).ok()) << "kept";
}

TEST_F(AttachmentsTest, AReportOfWhatIsNotBeneathChangesNothing) {
  Attach(Hello("cdn-one/lan-a", 1));
  ChildReport report = ReportOf("cdn-one/lan-a");
  report.subtree.scopes.push_back(Scope("cdn-one/lan-b", 1, "cdn-one/lan-a"));
  EXPECT_FALSE(children_.OnReport("cdn-one/lan-a", report, now_).ok());
  report = ReportOf("cdn-one/lan-a");
  report.load.push_back(Load("cdn-one/lan-b", 0.1));
  EXPECT_EQ(children_.OnReport("cdn-one/lan-a", report, now_).code(),
            StatusCode::kPermissionDenied);
  EXPECT_EQ(Loaded(), Names{"cdn-one/lan-a"});
}

TEST_F(AttachmentsTest, KnowsWhoHidesCopies) {
  Attach(Hello("cdn-one/dc-a", 2));
  EXPECT_FALSE(children_.children()[0].hides_copies);
  const LinkPolicy none{.policy = {.rules = {{.forward = federation::Forward::kNone}}}};
  children_.OnPart("cdn-one/dc-a", {.policy = none}, now_);
  EXPECT_TRUE(children_.children()[0].hides_copies);
  children_.OnPart("cdn-one/dc-a", {}, now_);
  EXPECT_FALSE(children_.children()[0].hides_copies);
  ChildReport report = ReportOf("cdn-one/dc-a", 2);
  report.subtree.scopes.push_back(Scope("cdn-one/dc-a/lan-a", 1, "cdn-one/dc-a"));
  report.subtree.scopes[1].hides_copies = true;
  const int changes = changes_;
  ASSERT_EQ(children_.OnReport("cdn-one/dc-a", report, now_), Ok());
  EXPECT_TRUE(children_.children()[0].hides_copies) << "somebody beneath it does";
  EXPECT_EQ(changes_, changes + 1);
}

TEST_F(AttachmentsTest, TheTreeHasWhatChildrenToldAndHowOldItIs) {
  Attach(Hello("cdn-one/lan-a", 1));
  ASSERT_EQ(children_.OnAttached(Hello("cdn-one/lan-b", 1), "b", now_), Ok());
  children_.OnDetached("cdn-one/lan-a", now_);
  const ScopeLevel own{.scope = "cdn-one", .level = 3};
  const OwnTree tree(
      own,
      [] {
        OwnPart part;
        part.locations = 77;
        part.part.managers = {{.name = "away", .address = "a:1"},
                              {.name = "main", .address = "m:1", .state = ManagerState::kLeads}};
        return part;
      },
      children_);
  const OwnTree::Told told = tree.At(now_ + milliseconds(1500));
  const Subtree& subtree = told.report.subtree;
  EXPECT_EQ(CheckSubtree(own, subtree), Ok());
  ASSERT_EQ(subtree.scopes.size(), 3U);
  EXPECT_EQ(subtree.scopes[0].locations, 77U);
  EXPECT_EQ(subtree.scopes[0].engines, 3U) << "those beneath";
  EXPECT_EQ(subtree.scopes[0].engines_up, 2U);
  EXPECT_EQ(subtree.scopes[0].managers[0].name, "main") << "who leads comes first";
  EXPECT_EQ(subtree.scopes[1].parent, "cdn-one");
  EXPECT_EQ(subtree.scopes[1].age, milliseconds(1500));
  EXPECT_FALSE(subtree.scopes[1].heard);
  EXPECT_EQ(subtree.scopes[2].place.scope, "cdn-one/lan-b") << "has not reported yet";
  EXPECT_TRUE(subtree.scopes[2].heard);
  ASSERT_EQ(told.report.load.size(), 2U);
  EXPECT_EQ(told.report.load[0].scope, "cdn-one");
  EXPECT_EQ(told.report.load[0].load.engines, 2U);
}

TEST_F(AttachmentsTest, EnginesThatChildrenMakeUpDoNotWrap) {
  Attach(Hello("cdn-one/lan-a", 1));
  Attach(Hello("cdn-one/lan-b", 1));
  for (const char* scope : {"cdn-one/lan-a", "cdn-one/lan-b"}) {
    ChildReport report = ReportOf(scope);
    report.subtree.scopes[0].engines = report.subtree.scopes[0].engines_up = UINT32_MAX;
    ASSERT_EQ(children_.OnReport(scope, report, now_), Ok());
  }
  const Subtree subtree = children_.SubtreeUnder(Scope("cdn-one", 3, ""), now_);
  EXPECT_EQ(subtree.scopes[0].engines, UINT32_MAX);
  EXPECT_EQ(subtree.scopes[0].engines_up, UINT32_MAX);
}

TEST_F(AttachmentsTest, AFarmTellsOfItsOwnEnginesAndLoad) {
  const OwnTree tree(
      {.scope = "cdn-one/lan-a", .level = 1},
      [] {
        OwnPart part;
        part.load = {Load("cdn-one/lan-a", 0.25)};
        part.engines = 5;
        part.engines_up = 4;
        part.up = LinkUp{.connected = true};
        part.part.policy.policy.rules = {{.forward = federation::Forward::kNone}};
        return part;
      },
      children_);
  const OwnTree::Told told = tree.At(now_);
  EXPECT_EQ(told.report.load[0].load.worst, 0.25);
  EXPECT_EQ(told.report.subtree.scopes[0].engines, 5U);
  EXPECT_TRUE(told.report.subtree.scopes[0].hides_copies);
}

}  // namespace
}  // namespace strata::manager::hierarchy
