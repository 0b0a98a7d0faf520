#include "service_manager/hierarchy/subtree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace strata::manager::hierarchy {
namespace {

using federation::ScopeLevel;

SubtreeScope Scope(const std::string& scope, uint32_t level, const std::string& parent) {
  return {.place = {.scope = scope, .level = level},
          .parent = parent,
          .version = "0.2.0",
          .managers = {{.name = "a", .address = "192.0.2.1:7400", .state = ManagerState::kLeads}},
          .engines = 3,
          .engines_up = 2};
}

// cdn-one with two data centers, of which the first has two farms.
Subtree SmallTree() {
  return {.scopes = {Scope("cdn-one", 3, ""), Scope("cdn-one/dc-a", 2, "cdn-one"),
                     Scope("cdn-one/dc-a/lan-a", 1, "cdn-one/dc-a"),
                     Scope("cdn-one/dc-a/lan-b", 1, "cdn-one/dc-a"),
                     Scope("cdn-one/dc-b", 2, "cdn-one")}};
}

const ScopeLevel kSender{.scope = "cdn-one", .level = 3};

std::vector<std::string> ScopesOf(const Subtree& subtree) {
  std::vector<std::string> scopes;
  for (const SubtreeScope& scope : subtree.scopes) scopes.push_back(scope.place.scope);
  return scopes;
}

TEST(SubtreeTest, ATreeIsTaken) {
  EXPECT_EQ(CheckSubtree(kSender, SmallTree()), Ok());
  Subtree without_level_two = {
      .scopes = {Scope("cdn-one", 3, "whatever"), Scope("cdn-one/dc-a/lan-a", 1, "cdn-one")}};
  EXPECT_EQ(CheckSubtree(kSender, without_level_two), Ok());
}

TEST(SubtreeTest, BeginsWithItsSender) {
  EXPECT_EQ(CheckSubtree(kSender, {}).code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(CheckSubtree({.scope = "cdn-one", .level = 2}, SmallTree()).ok());
  EXPECT_FALSE(CheckSubtree({.scope = "cdn-two", .level = 3}, SmallTree()).ok());
}

TEST(SubtreeTest, WhatIsNotBeneathIsRefused) {
  const auto refused = [](const SubtreeScope& scope) {
    Subtree tree = SmallTree();
    tree.scopes.push_back(scope);
    return CheckSubtree(kSender, tree);
  };
  EXPECT_EQ(refused(Scope("cdn-two/lan-a", 1, "cdn-one")).code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE(refused(Scope("cdn-one/dc-c", 3, "cdn-one")).ok()) << "as high as its parent";
  EXPECT_FALSE(refused(Scope("cdn-one/dc-b/lan-c", 1, "cdn-one/dc-a")).ok()) << "of another";
  EXPECT_FALSE(refused(Scope("cdn-one/dc-c/lan-c", 1, "cdn-one/dc-c")).ok()) << "nobody's child";
  EXPECT_FALSE(refused(Scope("cdn-one/dc-b", 2, "cdn-one")).ok()) << "twice";
  EXPECT_FALSE(refused(Scope("cdn-one/\x1b[2J", 1, "cdn-one")).ok()) << "no scope";
}

TEST(SubtreeTest, WhatIsOutOfBoundsIsRefused) {
  const auto refused = [](auto change) {
    Subtree tree = SmallTree();
    change(tree.scopes.back());
    return !CheckSubtree(kSender, tree).ok();
  };
  EXPECT_FALSE(refused([](SubtreeScope&) {}));
  EXPECT_TRUE(refused([](SubtreeScope& scope) { scope.engines_up = 4; }));
  EXPECT_TRUE(refused([](SubtreeScope& scope) { scope.version = std::string(65, '1'); }));
  EXPECT_TRUE(refused([](SubtreeScope& scope) { scope.version = "0\n"; }));
  EXPECT_TRUE(refused([](SubtreeScope& scope) { scope.managers.resize(9, scope.managers[0]); }));
  EXPECT_TRUE(refused([](SubtreeScope& scope) { scope.managers[0].name = "A B"; }));
  for (const char* address : {"", "192.0.2.1", ":7400", "a:", "a b:1", "a\x1b:1"}) {
    EXPECT_TRUE(refused([&](SubtreeScope& scope) { scope.managers[0].address = address; }))
        << address;
  }
  Subtree many = {.scopes = {Scope("cdn-one", 3, "")}};
  for (size_t i = 1; i <= kSubtreeScopesMax; ++i) {
    many.scopes.push_back(Scope("cdn-one/lan-" + std::to_string(i), 1, "cdn-one"));
  }
  EXPECT_EQ(CheckSubtree(kSender, many).code(), StatusCode::kInvalidArgument);
  many.scopes.pop_back();
  EXPECT_EQ(CheckSubtree(kSender, many), Ok());
}

TEST(SubtreeTest, LeavesOutTheLowestLevelsFirst) {
  Subtree tree = SmallTree();
  Limit(tree, {.scopes_max = 4});
  EXPECT_EQ(ScopesOf(tree), (std::vector<std::string>{"cdn-one", "cdn-one/dc-a",
                                                      "cdn-one/dc-a/lan-a", "cdn-one/dc-b"}));
  EXPECT_EQ(tree.left_out, 1U);
  Limit(tree, {.scopes_max = 2});
  EXPECT_EQ(ScopesOf(tree), (std::vector<std::string>{"cdn-one", "cdn-one/dc-a"}));
  EXPECT_EQ(tree.left_out, 3U);
  EXPECT_EQ(CheckSubtree(kSender, tree), Ok()) << "no child without its parent";
  Limit(tree, {.scopes_max = 0});
  EXPECT_EQ(ScopesOf(tree), (std::vector<std::string>{"cdn-one"}));
}

TEST(SubtreeTest, KeepsWithinBytes) {
  Subtree tree = SmallTree();
  Limit(tree, {.bytes_max = 500});
  EXPECT_EQ(ScopesOf(tree), (std::vector<std::string>{"cdn-one", "cdn-one/dc-a", "cdn-one/dc-b"}));
  EXPECT_EQ(tree.left_out, 2U);
}

}  // namespace
}  // namespace strata::manager::hierarchy
