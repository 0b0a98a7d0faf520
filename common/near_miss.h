#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strata {

// The one of `candidates` that somebody who wrote `word` probably meant: the fewest letters
// changed, added, left out or swapped, and not more than a third of them. Empty if there is none.
// The first of equals wins. Points into `candidates`.
std::string_view NearMiss(std::string_view word, std::span<const std::string> candidates);

}  // namespace strata
