#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "common/address.h"
#include "common/status.h"
#include "common/strong_id.h"
#include "service_manager/routing/prefix_index.h"

namespace strata::manager::routing {

// The place of a region in its map; 0 is no region.
using RegionId = StrongId<struct RegionTag, uint16_t>;
using RegionSet = absl::InlinedVector<RegionId, 2>;  // Rising, each once.

// Which region clients and copies are in: docs/protocols/federation.md, 5.2. Made of a text,
// then never changed, so that any number of threads read it.
class RegionMap {
 public:
  RegionMap() = default;  // Everybody is in no region.
  // Lines `PREFIX REGION` and `scope SCOPE REGION`; blank ones, and what follows a #, say nothing.
  // InvalidArgument names the line. A million lines take about half a second.
  static StatusOr<std::shared_ptr<const RegionMap>> Parse(std::string_view text);

  // By the longest prefix that contains it; IPv4 addresses written as IPv6 ones are IPv4.
  RegionId RegionOf(const IpAddress& address) const;
  // Where the copies of a scope, or of an engine in it, are: the region of the nearest scope that
  // is named and covers it, else those of named scopes beneath it, else those of its `addresses`.
  RegionSet RegionsOf(std::string_view scope, std::span<const Endpoint> addresses) const;
  // "" for no region.
  const std::string& NameOf(RegionId region) const { return names_[region.value()]; }

  size_t prefixes() const { return prefixes_v4_.size() + prefixes_v6_.size(); }

 private:
  class Builder;

  RegionSet RegionsBeneath(std::string_view scope) const;

  std::vector<std::string> names_ = {""};
  PrefixIndex<uint32_t> prefixes_v4_;
  PrefixIndex<absl::uint128> prefixes_v6_;
  std::map<std::string, RegionId, std::less<>> scopes_;
};

}  // namespace strata::manager::routing
