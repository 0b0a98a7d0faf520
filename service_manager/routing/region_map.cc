#include "service_manager/routing/region_map.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/ip_prefix.h"
#include "common/tls/identity.h"
#include "service_manager/routing/covering_scope.h"
#include "service_manager/routing/limits.h"

namespace strata::manager::routing {
namespace {

constexpr std::string_view kScopeWord = "scope";

// A region is called as a segment of a scope is.
bool IsRegionName(std::string_view name) {
  return name.find('/') == std::string_view::npos && tls::CheckScope(name).ok();
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes the next word out of `rest`; empty at its end.
std::string_view TakeWord(std::string_view& rest) {
  const auto begin = std::find_if_not(rest.begin(), rest.end(), IsBlank);
  const auto end = std::find_if(begin, rest.end(), IsBlank);
  const std::string_view word(begin, end);
  rest = std::string_view(end, rest.end());
  return word;
}

template <class Number>
Number NumberOf(const IpAddress& address) {
  Number number = 0;
  for (const uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number;
}

void Add(RegionSet& regions, RegionId region) {
  if (region == RegionId()) return;
  const auto at = std::lower_bound(regions.begin(), regions.end(), region);
  if (at == regions.end() || *at != region) regions.insert(at, region);
}

}  // namespace

// Reads the lines one after the other.
class RegionMap::Builder {
 public:
  Builder() : map_(std::make_shared<RegionMap>()) {}

  Status Read(std::string_view text);
  StatusOr<std::shared_ptr<const RegionMap>> Finish();

 private:
  Status ReadLine(std::string_view line);
  Status AddPrefix(std::string_view text, std::string_view region);
  Status AddScope(std::string_view scope, std::string_view region);
  StatusOr<RegionId> IdOf(std::string_view region);
  template <class Number>
  Status CheckTwice(std::vector<NumberedPrefix<Number>>& prefixes) const;

  std::shared_ptr<RegionMap> map_;
  std::unordered_map<std::string_view, RegionId> ids_;  // Into the text.
  std::vector<NumberedPrefix<uint32_t>> v4_;
  std::vector<NumberedPrefix<absl::uint128>> v6_;
  uint32_t line_ = 0;
};

Status RegionMap::Builder::Read(std::string_view text) {
  while (!text.empty()) {
    if (++line_ > kRegionLinesMax) {
      return InvalidArgument("a region map has more than %zu lines", kRegionLinesMax);
    }
    const size_t end = std::min(text.find('\n'), text.size());
    const Status read = ReadLine(text.substr(0, end));
    if (!read.ok()) return InvalidArgument("line %u: %s", line_, MessageOf(read).c_str());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return Ok();
}

Status RegionMap::Builder::ReadLine(std::string_view line) {
  std::string_view rest = line.substr(0, line.find('#'));
  const std::string_view first = TakeWord(rest);
  if (first.empty()) return Ok();
  const bool of_scope = first == kScopeWord;
  const std::string_view what = of_scope ? TakeWord(rest) : first;
  const std::string_view region = TakeWord(rest);
  if (region.empty() || !TakeWord(rest).empty()) {
    return InvalidArgument("neither PREFIX REGION nor scope SCOPE REGION");
  }
  return of_scope ? AddScope(what, region) : AddPrefix(what, region);
}

StatusOr<RegionId> RegionMap::Builder::IdOf(std::string_view region) {
  if (const auto it = ids_.find(region); it != ids_.end()) return it->second;
  if (!IsRegionName(region)) {
    return InvalidArgument("\"%.80s\" is no region; a region is 1 to %zu of a-z, 0-9 and -",
                           std::string(region).c_str(), tls::kScopeSegmentBytesMax);
  }
  if (map_->names_.size() > kRegionsMax) {
    return InvalidArgument("there are more than %zu regions", kRegionsMax);
  }
  const RegionId id(static_cast<uint16_t>(map_->names_.size()));
  map_->names_.emplace_back(region);
  ids_.emplace(region, id);
  return id;
}

Status RegionMap::Builder::AddPrefix(std::string_view text, std::string_view region) {
  STRATA_ASSIGN_OR_RETURN(const IpPrefix prefix, IpPrefix::Parse(text));
  STRATA_ASSIGN_OR_RETURN(const RegionId id, IdOf(region));
  if (prefix.ip.IsV4()) {
    v4_.push_back({NumberOf<uint32_t>(prefix.ip), prefix.length, id.value(), line_});
    return Ok();
  }
  if (prefix.length >= 96 && prefix.ip.Unmapped().IsV4()) {
    return InvalidArgument("%s is of IPv4: write it so", ToString(prefix).c_str());
  }
  v6_.push_back({NumberOf<absl::uint128>(prefix.ip), prefix.length, id.value(), line_});
  return Ok();
}

Status RegionMap::Builder::AddScope(std::string_view scope, std::string_view region) {
  STRATA_RETURN_IF_ERROR(tls::CheckScope(scope));
  STRATA_ASSIGN_OR_RETURN(const RegionId id, IdOf(region));
  if (map_->scopes_.emplace(scope, id).second) return Ok();
  return InvalidArgument("scope %s stands in a line before", std::string(scope).c_str());
}

template <class Number>
Status RegionMap::Builder::CheckTwice(std::vector<NumberedPrefix<Number>>& prefixes) const {
  const auto twice = PrefixIndex<Number>::FindTwice(prefixes);
  if (!twice) return Ok();
  return InvalidArgument("line %u: its prefix stands in line %u", twice->second.line,
                         twice->first.line);
}

StatusOr<std::shared_ptr<const RegionMap>> RegionMap::Builder::Finish() {
  STRATA_RETURN_IF_ERROR(CheckTwice(v4_));
  STRATA_RETURN_IF_ERROR(CheckTwice(v6_));
  map_->prefixes_v4_ = PrefixIndex<uint32_t>(std::move(v4_));
  map_->prefixes_v6_ = PrefixIndex<absl::uint128>(std::move(v6_));
  return std::shared_ptr<const RegionMap>(std::move(map_));
}

StatusOr<std::shared_ptr<const RegionMap>> RegionMap::Parse(std::string_view text) {
  Builder builder;
  STRATA_RETURN_IF_ERROR(builder.Read(text));
  return builder.Finish();
}

RegionId RegionMap::RegionOf(const IpAddress& address) const {
  const IpAddress plain = address.Unmapped();
  return RegionId(plain.IsV4() ? prefixes_v4_.Find(NumberOf<uint32_t>(plain))
                               : prefixes_v6_.Find(NumberOf<absl::uint128>(plain)));
}

RegionSet RegionMap::RegionsBeneath(std::string_view scope) const {
  RegionSet regions;
  const std::string first = std::string(scope) + '/';
  for (auto it = scopes_.lower_bound(first); it != scopes_.end(); ++it) {
    if (!it->first.starts_with(first)) break;
    Add(regions, it->second);
  }
  return regions;
}

RegionSet RegionMap::RegionsOf(std::string_view scope, std::span<const Endpoint> addresses) const {
  const auto covering = FindCovering(scopes_, scope);
  if (covering != scopes_.end()) return {covering->second};
  RegionSet regions = RegionsBeneath(scope);
  if (!regions.empty()) return regions;
  for (const Endpoint& address : addresses) Add(regions, RegionOf(address.ip));
  return regions;
}

}  // namespace strata::manager::routing
