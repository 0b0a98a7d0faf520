#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "farm/site.h"
#include "farm/site_table.h"
#include "service_manager/store/store.h"

namespace strata::manager::control {

inline constexpr size_t kSitesMax = 10'000;
// Versions of a site that are kept, the present one included.
inline constexpr size_t kVersionsKept = 100;

// A version of a site, and how it came.
struct SiteVersion {
  farm::Site site;
  std::string yaml;  // As the operator wrote it.
  std::string applied_by;
  int64_t applied_at_s = 0;  // Since 1970, UTC.
};

// The sites of a manager, durable, with their earlier versions. Any thread; calls that change
// something wait for the disk, one after the other.
class SiteDesk {
 public:
  // DataLoss if a record of the store cannot be read.
  static StatusOr<std::unique_ptr<SiteDesk>> Open(store::Store& store);

  // What the store has, which another wrote to; an error leaves what was known.
  Status Reload();

  struct Plan {
    farm::Site site;  // With the version that it would get.
    std::vector<std::string> differences;
    uint64_t present = 0;  // Version; 0: there is no such site yet.
  };
  // What Apply would do. AlreadyExists: a host belongs to another site.
  StatusOr<Plan> Look(const farm::Site& site) const;
  // Gives the site the next version and makes it the present one, durable. What changes nothing
  // gets no new version: the plan's version is then the present one.
  StatusOr<Plan> Apply(const farm::Site& site, const std::string& yaml, const std::string& by);
  // Applies an earlier version again, as a new one; 0: the one before the present. NotFound.
  StatusOr<Plan> Rollback(const std::string& name, uint64_t version, const std::string& by);
  Status Remove(const std::string& name);

  std::vector<SiteVersion> sites() const;                                       // By name.
  StatusOr<SiteVersion> Find(const std::string& name, uint64_t version) const;  // 0: the present.
  StatusOr<std::vector<SiteVersion>> Versions(const std::string& name) const;   // Newest first.
  // The site of a host as CanonicalHost gives it. NotFound.
  StatusOr<farm::Site> SiteOf(const std::string& host) const;

 private:
  explicit SiteDesk(store::Store& store) : store_(store) {}

  Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<Plan> LookLocked(const farm::Site& site) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<Plan> ApplyLocked(const farm::Site& site, const std::string& yaml, const std::string& by)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<std::vector<SiteVersion>> VersionsLocked(const std::string& name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::Store& store_;
  mutable absl::Mutex mutex_;  // Held over a write.
  std::map<std::string, SiteVersion> sites_ ABSL_GUARDED_BY(mutex_);
  farm::SiteTable table_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> marks_ ABSL_GUARDED_BY(mutex_);  // Highest version ever.
};

}  // namespace strata::manager::control
