#include "common/near_miss.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "common/ascii.h"

namespace strata {
namespace {

// Longer words are not compared: the work grows with the square of the length.
constexpr size_t kLettersMax = 64;

// Case and the choice between dash and underscore are no difference worth counting.
char Folded(char c) { return c == '-' ? '_' : ToLower(c); }

// Changes, additions, omissions and swaps of neighbours that lead from `a` to `b`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_above(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Folded(a[i - 1]) == Folded(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && Folded(a[i - 1]) == Folded(b[j - 2]) &&
                           Folded(a[i - 2]) == Folded(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view NearMiss(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > kLettersMax) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLettersMax) continue;
    const size_t distance = Distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace strata
