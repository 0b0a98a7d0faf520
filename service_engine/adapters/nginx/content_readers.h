#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "farm/site_table.h"
#include "service_engine/adapters/nginx/held_contents.h"

namespace strata::engine {

// Whether a file may still be written is asked of the kernel; where it cannot say, this decides.
enum class Writing : uint8_t { kNo, kMaybe };

// Reads one file of a watched folder. Any thread.
class ContentReader {
 public:
  virtual ~ContentReader() = default;
  // Names that are looked at, of files and of folders; others are as if they were not there.
  virtual bool IsFile(std::string_view name) const = 0;
  virtual bool IsFolder(std::string_view name) const = 0;
  // What it holds; nothing if that is no content of ours, not whole or gone. An error is of the
  // disk.
  virtual StatusOr<std::optional<FoundFile>> Read(const std::string& path,
                                                  Writing writing) const = 0;
};

// The sites whose contents are looked for, and those of them whose libraries nginx serves from;
// shared, each replaced as a whole.
class SharedSites {
 public:
  std::shared_ptr<const farm::SiteTable> Get() const {
    absl::MutexLock lock(&mu_);
    return sites_;
  }
  void Set(std::shared_ptr<const farm::SiteTable> sites) {
    absl::MutexLock lock(&mu_);
    sites_ = std::move(sites);
  }
  bool HasLibrary(const std::string& site) const {
    absl::MutexLock lock(&mu_);
    return libraries_.contains(site);
  }
  // Whether that is a change.
  bool SetLibraries(std::set<std::string> libraries) {
    absl::MutexLock lock(&mu_);
    if (libraries == libraries_) return false;
    libraries_ = std::move(libraries);
    return true;
  }

 private:
  mutable absl::Mutex mu_;
  std::shared_ptr<const farm::SiteTable> sites_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<farm::SiteTable>();
  std::set<std::string> libraries_ ABSL_GUARDED_BY(mu_);  // Names of sites.
};

// nginx's cache. A file of a site whose key is not a canonical URI any more (the site's rules have
// changed) can never be asked for again: it is removed.
class CacheReader : public ContentReader {
 public:
  explicit CacheReader(const SharedSites& sites) : sites_(sites) {}
  bool IsFile(std::string_view name) const override;
  bool IsFolder(std::string_view name) const override;
  StatusOr<std::optional<FoundFile>> Read(const std::string& path, Writing writing) const override;

 private:
  const SharedSites& sites_;
};

// LIBRARY/SITE_NAME/path. Hidden names and links are no content; a file is one when nobody has it
// open for writing, and nginx serves from that library: others may ask for it at once.
class LibraryReader : public ContentReader {
 public:
  LibraryReader(const SharedSites& sites, const std::string& folder)
      : sites_(sites), folder_(folder) {}
  bool IsFile(std::string_view name) const override;
  bool IsFolder(std::string_view name) const override;
  StatusOr<std::optional<FoundFile>> Read(const std::string& path, Writing writing) const override;

 private:
  const SharedSites& sites_;
  const std::string folder_;
};

// The key of a file in the cache or on its way there; empty if it has none (yet).
StatusOr<std::string> CacheKeyOf(const std::string& path);

// The content that a key of nginx's cache names; nothing if it is of no site. `uri` is its
// canonical URI, which may be spelled differently.
std::optional<farm::ContentKey> ContentOf(std::string_view cache_key, const farm::SiteTable& sites,
                                          std::string& uri);

}  // namespace strata::engine
