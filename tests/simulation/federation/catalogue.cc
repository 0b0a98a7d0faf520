#include "tests/simulation/federation/catalogue.h"

#include <algorithm>
#include <map>
#include <set>

#include "farm/content_identity.h"
#include "service_manager/directory/location_index.h"

namespace strata::simulation::federation {

namespace {

constexpr size_t kMade = 12000;      // About three a range.
constexpr size_t kShareAtLeast = 6;  // Contents of a range that is used.

std::vector<std::vector<Content>> MakeRanges() {
  std::map<uint32_t, std::vector<Content>> by_range;
  for (size_t i = 0; i < kMade; ++i) {
    Content content;
    content.site = kSites[i % std::size(kSites)];
    const std::string folder = kFolders[i / std::size(kSites) % std::size(kFolders)];
    content.uri = FolderUri(content.site, folder) + std::to_string(i);
    content.key = farm::KeyOf(content.uri);
    content.size = i + 1;
    by_range[manager::directory::LocationIndex::RangeOf(content.key)].push_back(content);
  }
  std::vector<std::vector<Content>> ranges;
  for (auto& [range, contents] : by_range) {
    if (contents.size() >= kShareAtLeast) ranges.push_back(std::move(contents));
  }
  return ranges;
}

}  // namespace

std::string HostOf(const std::string& site) { return site + ".example"; }

std::string FolderUri(const std::string& site, const std::string& folder) {
  return "http://" + HostOf(site) + "/" + folder + "/";
}

std::vector<Content> DrawCatalogue(RandomSource& random, size_t contents) {
  static const std::vector<std::vector<Content>> kRanges = MakeRanges();
  std::vector<Content> drawn;
  std::set<size_t> used;
  while (drawn.size() < contents) {
    const size_t range = random.Below(kRanges.size());
    if (!used.insert(range).second) continue;
    for (const Content& content : kRanges[range]) {
      if (drawn.size() < contents) drawn.push_back(content);
    }
  }
  return drawn;
}

}  // namespace strata::simulation::federation
