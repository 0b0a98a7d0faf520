#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "farm/content_key.h"

namespace strata::manager::uplink {

// The URIs of contents that were named lately: of the last `max` / 2 at least, and of `max` at
// most. One thread.
class RecentUris {
 public:
  explicit RecentUris(size_t max) : generation_max_(max / 2) {}

  void Put(const farm::ContentKey& key, std::string_view uri) {
    if (young_.size() >= generation_max_) old_ = std::exchange(young_, {});
    young_[key] = uri;
  }
  // Empty: it is not here. Valid until the next Put.
  std::string_view Find(const farm::ContentKey& key) const {
    const std::string_view uri = FindIn(young_, key);
    return uri.empty() ? FindIn(old_, key) : uri;
  }

 private:
  using Generation = absl::flat_hash_map<farm::ContentKey, std::string>;

  static std::string_view FindIn(const Generation& generation, const farm::ContentKey& key) {
    const auto found = generation.find(key);
    return found == generation.end() ? std::string_view() : found->second;
  }

  const size_t generation_max_;
  Generation young_, old_;
};

}  // namespace strata::manager::uplink
