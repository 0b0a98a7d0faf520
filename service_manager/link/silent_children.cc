#include "service_manager/link/silent_children.h"

#include <utility>

namespace strata::manager::link {

void SilentChildren::Look(const std::vector<std::string>& silent, Timestamp now) {
  std::map<std::string, Timestamp> since;
  for (const std::string& child : silent) {
    const auto before = since_.find(child);
    since[child] = before == since_.end() ? now : before->second;
  }
  since_ = std::move(since);
}

std::optional<std::string> SilentChildren::Longest(Duration limit, Timestamp now) const {
  std::optional<std::string> longest;
  Timestamp longest_since = now - limit;
  for (const auto& [child, since] : since_) {
    if (since > longest_since || (longest && since == longest_since)) continue;
    longest = child;
    longest_since = since;
  }
  return longest;
}

}  // namespace strata::manager::link
