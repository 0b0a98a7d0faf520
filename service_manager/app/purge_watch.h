#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "farm/content_key.h"
#include "service_manager/control/purge_journal.h"
#include "service_manager/control/site_desk.h"

namespace strata::manager::app {

// Tells of the purges that are in the logs of this manager's store, whoever wrote them, each once
// and in the order of its log: so that nothing is answered from before them. Any thread; reads the
// disk.
class PurgeWatch {
 public:
  // Whom it tells; one call at a time, which must not call back.
  struct Listener {
    // At the start: the log of the site is applied up to there.
    std::function<void(const std::string& site, uint64_t position)> restored;
    // The next entry; without keys: all of the site.
    std::function<void(const std::string& site, uint64_t position,
                       std::span<const farm::ContentKey> keys)>
        purged;
    // The site is no more.
    std::function<void(const std::string& site)> removed;
  };

  // Both outlive it. Tells what there is; an error of the store.
  static StatusOr<std::unique_ptr<PurgeWatch>> Open(control::SiteDesk& desk,
                                                    control::PurgeJournal& journal,
                                                    Listener listener);

  // What is new in the log of this site, or in any.
  Status Look(const std::string& site);
  Status LookAtAll();

 private:
  PurgeWatch(control::SiteDesk& desk, control::PurgeJournal& journal, Listener listener);
  Status LookLocked(const std::string& site) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  control::SiteDesk& desk_;
  control::PurgeJournal& journal_;
  const Listener listener_;
  absl::Mutex mutex_;  // Held while the disk is read, and he is told.
  std::map<std::string, uint64_t> told_ ABSL_GUARDED_BY(mutex_);  // Site -> position.
};

}  // namespace strata::manager::app
