#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/metrics.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "service_engine/adapters/nginx/content_readers.h"
#include "service_engine/adapters/nginx/held_contents.h"
#include "service_engine/adapters/nginx/tree_watch.h"

namespace strata::engine {

struct PurgerOptions {
  std::string temp_folder;     // Where fills are until they are whole.
  std::string library_folder;  // Empty: there is none.
};

// Takes contents away for good: nginx's temporary files of them first, then, with everything in
// the inventory that was renamed until then, the copies, and what is cached of errors. A fill that
// ends in between has lost its file. Any thread, one purge at a time.
class Purger {
 public:
  Purger(PurgerOptions options, const SharedSites& sites, HeldContents& held,
         std::vector<TreeWatch*> watches, MetricRegistry& metrics);

  // How many contents had something that went. Unavailable, with the first reason, if something
  // may be left.
  StatusOr<size_t> Purge(std::span<const farm::ContentKey> keys);
  // The same, but what the library has of them stays: that is the operator's.
  StatusOr<size_t> PurgeCache(std::span<const farm::ContentKey> keys);
  // The same for all of a site's contents, but its library: `host` is its first.
  StatusOr<size_t> PurgeCacheOf(const std::string& host);

 private:
  using Keys = std::set<farm::ContentKey>;

  // Adds the keys of which there was a temporary file.
  Status RemoveTemporary(const Keys& keys, Keys& found) const;
  StatusOr<size_t> Purge(std::span<const farm::ContentKey> keys, bool library);
  Status RemoveFiles(const farm::ContentKey& key, bool library, bool& found);
  bool InLibrary(const std::string& path) const;
  Status RemoveFile(const std::string& path);
  Status MoveAway(const std::string& path);

  const PurgerOptions options_;
  const SharedSites& sites_;
  HeldContents& held_;
  const std::vector<TreeWatch*> watches_;
  Counter& purged_;
  Counter& failures_;
  absl::Mutex mu_;  // Held by a purge.
};

}  // namespace strata::engine
