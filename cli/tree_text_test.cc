#include "cli/tree_text.h"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

std::string Drawn(const std::vector<size_t>& depths) {
  std::string text;
  for (const std::string& branch : TreeBranches(depths)) text += branch + "x\n";
  return text;
}

TEST(TreeTextTest, BranchesEndWhereNothingFollows) {
  EXPECT_EQ(Drawn({0, 1, 2, 2, 1, 2}),
            "x\n"
            "├─ x\n"
            "│  ├─ x\n"
            "│  └─ x\n"
            "└─ x\n"
            "   └─ x\n");
}

TEST(TreeTextTest, AChainIsAStair) {
  EXPECT_EQ(Drawn({0, 1, 2, 3}),
            "x\n"
            "└─ x\n"
            "   └─ x\n"
            "      └─ x\n");
}

TEST(TreeTextTest, SeveralRootsAndJumpsAreDrawn) {
  EXPECT_EQ(Drawn({}), "");
  EXPECT_EQ(Drawn({0, 0}), "x\nx\n");
  EXPECT_EQ(Drawn({2, 0}), "   └─ x\nx\n");
  EXPECT_LT(Drawn({1'000'000}).size(), 100U);
}

}  // namespace
}  // namespace strata::cli
