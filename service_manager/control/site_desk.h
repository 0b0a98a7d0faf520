#pragma once

#include <cstdint>
#include <functional>
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
// Of a site that was applied here: versions that are kept, the present one included.
inline constexpr size_t kVersionsKept = 100;

// A version of a site, and how it came.
struct SiteVersion {
  farm::Site site;
  std::string yaml;  // As the operator wrote it.
  std::string applied_by;
  int64_t applied_at_s = 0;  // Since 1970, UTC.
  // The scope where it was applied, and numbered, if it came from above; empty: here.
  std::string home = {};
};

// The sites of a manager, durable: those that were applied here, with their earlier versions, and
// those that came from above (docs/protocols/site_flow.md). Any thread; calls that change something
// wait for the disk, one after the other.
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
  // Is told the name of each site that has changed, or "" if any may have; on the thread that
  // changed it, which waits. Null: nobody is told, from when it returns.
  void Observe(std::function<void(const std::string& name)> changed);

  // What Apply would do. AlreadyExists: a host belongs to another site. FailedPrecondition, naming
  // its home: it came from above; so below.
  StatusOr<Plan> Look(const farm::Site& site) const;
  // Gives the site the next version and makes it the present one, durable. What changes nothing
  // gets no new version: the plan's version is then the present one.
  StatusOr<Plan> Apply(const farm::Site& site, const std::string& yaml, const std::string& by);
  // Applies an earlier version again, as a new one; 0: the one before the present. NotFound.
  StatusOr<Plan> Rollback(const std::string& name, uint64_t version, const std::string& by);
  Status Remove(const std::string& name);

  // ---- Sites from above.

  // Puts in what was applied at another scope, its home, which numbers it. False: that version, or
  // a later one, is here. AlreadyExists: its name, or a host, belongs to a site of another home.
  StatusOr<bool> Take(const SiteVersion& version);
  // A site from above is not for this scope any more: it goes, with its purge log, and whatever
  // comes by that name later is another one. Nothing if it is not there, or not from above.
  Status Drop(const std::string& name);

  std::vector<SiteVersion> sites() const;                                       // By name.
  StatusOr<SiteVersion> Find(const std::string& name, uint64_t version) const;  // 0: the present.
  StatusOr<std::vector<SiteVersion>> Versions(const std::string& name) const;   // Newest first.
  // The site of a host as CanonicalHost gives it. NotFound.
  StatusOr<farm::Site> SiteOf(const std::string& host) const;

 private:
  explicit SiteDesk(store::Store& store) : store_(store) {}

  Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellChanged(const std::string& name) ABSL_LOCKS_EXCLUDED(mutex_, observer_mutex_);
  StatusOr<Plan> LookLocked(const farm::Site& site) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ok if its name and hosts are those of no site of another home.
  Status CheckFree(const farm::Site& site, const std::string& home) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<Plan> ApplyLocked(const farm::Site& site, const std::string& yaml, const std::string& by)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<Plan> RollbackLocked(const std::string& name, uint64_t version, const std::string& by)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status RemoveLocked(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<bool> TakeLocked(const SiteVersion& version) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<bool> DropLocked(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StatusOr<std::vector<SiteVersion>> VersionsLocked(const std::string& name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  store::Store& store_;
  absl::Mutex observer_mutex_;  // Held while he is told; never with mutex_.
  std::function<void(const std::string&)> changed_ ABSL_GUARDED_BY(observer_mutex_);
  mutable absl::Mutex mutex_;  // Held over a write.
  std::map<std::string, SiteVersion> sites_ ABSL_GUARDED_BY(mutex_);
  farm::SiteTable table_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> marks_ ABSL_GUARDED_BY(mutex_);  // Highest version ever.
};

}  // namespace strata::manager::control
