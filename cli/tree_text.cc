#include "cli/tree_text.h"

#include <algorithm>

namespace strata::cli {
namespace {

// Whether something of this depth follows line `from` before the tree goes up beyond it.
bool GoesOn(std::span<const size_t> depths, size_t from, size_t depth) {
  for (const size_t next : depths.subspan(from + 1)) {
    if (next <= depth) return next == depth;
  }
  return false;
}

}  // namespace

std::vector<std::string> TreeBranches(std::span<const size_t> depths) {
  std::vector<std::string> branches(depths.size());
  for (size_t line = 0; line < depths.size(); ++line) {
    const size_t depth = std::min(depths[line], kTreeDepthMax);
    for (size_t above = 1; above < depth; ++above) {
      branches[line] += GoesOn(depths, line, above) ? "│  " : "   ";
    }
    if (depth > 0) branches[line] += GoesOn(depths, line, depth) ? "├─ " : "└─ ";
  }
  return branches;
}

}  // namespace strata::cli
