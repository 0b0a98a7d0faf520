#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace strata::cli {

// What stands before each line of a tree: its branches. `depths`: of the lines in their order, each
// behind the one it hangs under; 0: a root. Depths of more than kTreeDepthMax count as that. Pure.
inline constexpr size_t kTreeDepthMax = 16;
std::vector<std::string> TreeBranches(std::span<const size_t> depths);

}  // namespace strata::cli
