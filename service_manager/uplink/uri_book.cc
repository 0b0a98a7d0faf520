#include "service_manager/uplink/uri_book.h"

#include <utility>

#include "service_manager/federation/feed/range_digests.h"

namespace strata::manager::uplink {

void UriBook::Wait(const farm::ContentKey& key, Waiting&& content) {
  // One that was here before, and waits on, stands in the order still.
  const bool is_last = order_.empty() || order_.back().first <= content.until;
  if (is_last) order_.emplace_back(content.until, key);
  waiting_.emplace(key, std::move(content));
}

std::optional<UriBook::Waiting> UriBook::Take(const farm::ContentKey& key) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return std::nullopt;
  Waiting taken = std::move(found->second);
  waiting_.erase(found);
  return taken;
}

std::optional<std::pair<farm::ContentKey, ContentChange>> UriBook::TakeDue(Timestamp now) {
  while (!order_.empty() && order_.front().first <= now) {
    const auto [until, key] = order_.front();
    order_.pop_front();
    const auto found = waiting_.find(key);
    if (found == waiting_.end() || found->second.until > until) continue;
    return std::pair(key, std::move(Take(key)->change));
  }
  return std::nullopt;
}

bool UriBook::AddWithout(const farm::ContentKey& key) {
  if (without_.size() >= without_max_) return without_.contains(key);
  without_.insert(key);
  return true;
}

void UriBook::RemoveWithout(const federation::RangeSet& ranges) {
  if (ranges.empty()) return;
  absl::erase_if(without_, [&ranges](const farm::ContentKey& key) {
    return ranges.Contains(federation::RangeOf(key));
  });
}

}  // namespace strata::manager::uplink
