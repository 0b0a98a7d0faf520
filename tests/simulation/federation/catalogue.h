#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/random.h"
#include "farm/content_key.h"

namespace strata::simulation::federation {

// A content that copies may be of.
struct Content {
  farm::ContentKey key;
  std::string uri;  // Canonical.
  std::string site;
  uint64_t size = 0;
};

// The sites of all worlds, and the folders of each: what policies name.
inline constexpr const char* kSites[] = {"films", "games", "news"};
inline constexpr const char* kFolders[] = {"a", "b"};
std::string HostOf(const std::string& site);
std::string FolderUri(const std::string& site, const std::string& folder);  // With the last slash.

// Contents of a run, so drawn that several share a range of keys: what happens to one content of a
// range then matters to the others.
std::vector<Content> DrawCatalogue(RandomSource& random, size_t contents);

}  // namespace strata::simulation::federation
